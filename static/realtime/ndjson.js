// Lines out of pieces.
//
// The network cuts a stream where it likes: in a line, in a word, in a
// letter of several bytes. This puts the pieces together again.

/** A line longer than this is not from our server. */
const LONGEST_LINE = 64 * 1024;

/**
 * @returns {(chunk: Uint8Array) => string[]} takes bytes, gives the lines
 *   that are complete, without their ends; throws a RangeError at a line
 *   that does not end
 */
export function createLineSplitter() {
  const decoder = new TextDecoder();
  let rest = "";
  return (chunk) => {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop();
    if (rest.length > LONGEST_LINE) {
      throw new RangeError("a line of the stream does not end");
    }
    return lines.map((line) => line.trim()).filter((line) => line !== "");
  };
}
