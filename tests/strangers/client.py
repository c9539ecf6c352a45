"""Python's websockets talks to a server: an echo and a room, by hand."""

import json
import sys

from websockets.sync.client import connect

URL = sys.argv[1].replace("http", "ws", 1).rstrip("/")


def echo():
    with connect(f"{URL}/api/echo-by-hand", max_size=None) as socket:
        for said in ["", "Hello", "ä€😀" * 1000, "x" * 70_000, b"\0\xff", b""]:
            socket.send(said)
            assert socket.recv(timeout=10) == said
        socket.send(["in ", "three ", "fragments"])
        assert socket.recv(timeout=10) == "in three fragments"
        assert socket.ping(b"still there?").wait(10)
    assert socket.close_code == 1000, socket.close_code


def room():
    with connect(f"{URL}/api/rooms/strangers/socket-by-hand") as socket:
        assert json.loads(socket.recv(timeout=10))["type"] == "hello"
        post = {"type": "post", "id": "python", "nick": "guido", "text": "hi"}
        socket.send(json.dumps(post))
        heard = {}
        while not {"ack", "message"} <= heard.keys():
            said = json.loads(socket.recv(timeout=10))
            heard[said["type"]] = said
        assert heard["ack"]["seq"] == heard["message"]["seq"]
        assert heard["message"]["text"] == "hi"


echo()
room()
