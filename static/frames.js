// WebSocket bytes, taken apart: the handshake, and frames with their fields
// (RFC 6455, section 5.2). Nothing here touches the page.
//
//   byte 0   FIN RSV1 RSV2 RSV3 opcode(4)
//   byte 1   MASK length(7); 126: two more bytes of it, 127: eight more
//   then     the masking key, 4 bytes, if MASK is set
//   then     the payload

const OPCODES = new Map([
  [0x0, "continuation"],
  [0x1, "text"],
  [0x2, "binary"],
  [0x8, "close"],
  [0x9, "ping"],
  [0xa, "pong"],
]);

const LINE_END = [13, 10, 13, 10];

/** Hexadecimal digits to bytes. */
export function fromHex(hex) {
  const pairs = hex.match(/../g) ?? [];
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

/**
 * A handshake's head and what follows it. Before the head is whole there is
 * none.
 */
export function splitHead(bytes) {
  for (let at = 0; at + 4 <= bytes.length; at += 1) {
    if (LINE_END.every((byte, i) => bytes[at + i] === byte)) {
      const head = new TextDecoder().decode(bytes.subarray(0, at));
      return { lines: head.split("\r\n"), rest: bytes.subarray(at + 4) };
    }
  }
  return { lines: [], rest: bytes };
}

/** Every frame in the bytes; the last may be cut. */
export function frames(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) {
    const frame = readFrame(bytes.subarray(at));
    found.push(frame);
    at += frame.size;
  }
  return found;
}

/** The frame at the beginning of the bytes, and its fields in order. */
export function readFrame(bytes) {
  const [first = 0, second = 0] = bytes;
  const opcode = first & 0x0f;
  const masked = (second & 0x80) !== 0;
  const { length, size: lengthSize } = readLength(bytes);
  const keyAt = 2 + lengthSize;
  const payloadAt = keyAt + (masked ? 4 : 0);
  const key = masked ? bytes.subarray(keyAt, payloadAt) : null;
  const end = Math.min(bytes.length, payloadAt + length);
  const payload = bytes.subarray(payloadAt, end);
  return {
    fin: (first & 0x80) !== 0,
    reserved: (first >> 4) & 0x7,
    opcode,
    name: OPCODES.get(opcode) ?? `reserved (${opcode})`,
    masked,
    length,
    key,
    payload,
    plain: masked ? unmask(payload, key) : payload,
    header: bytes.subarray(0, Math.min(payloadAt, bytes.length)),
    size: Math.max(1, end),
    whole: end === payloadAt + length,
  };
}

/** Each byte of the payload, XOR the key's byte in its turn. */
export function unmask(payload, key) {
  return payload.map((byte, i) => byte ^ key[i % 4]);
}

/** A byte as eight bits. */
export function bits(byte) {
  return byte.toString(2).padStart(8, "0");
}

export function hex(byte) {
  return byte.toString(16).padStart(2, "0");
}

/** What the payload says: a text, a code and its reason, or a number of bytes. */
export function meaning({ opcode, plain, whole, length }) {
  if (!whole) return `${plain.length} of ${length} bytes`;
  if (opcode === 0x8 && plain.length >= 2) {
    const code = plain[0] * 256 + plain[1];
    const reason = new TextDecoder().decode(plain.subarray(2));
    return reason ? `${code}: ${reason}` : `${code}`;
  }
  if (opcode === 0x2) return `${plain.length} bytes`;
  return new TextDecoder().decode(plain);
}

function readLength(bytes) {
  const short = (bytes[1] ?? 0) & 0x7f;
  const size = { 126: 2, 127: 8 }[short] ?? 0;
  let length = size === 0 ? short : 0;
  for (const byte of bytes.subarray(2, 2 + size)) length = length * 256 + byte;
  return { length, size };
}
