import { InputError } from "../../errors.ts";
import type { Part } from "./concatenate.ts";
import { isImageHead, singleImage } from "./files.ts";

/**
 * What the standard input holds: paths of images, one a line, or one image itself.
 *
 * @throws InputError when it holds neither
 */
export async function readInput(input: AsyncIterable<string | Uint8Array>): Promise<string[] | Part> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk);
  const bytes = Buffer.concat(chunks);
  return bytes.includes(0) ? imageOf(bytes) : pathsOf(new TextDecoder().decode(bytes));
}

/** Every format of images has zeros in it, and no path has. */
function imageOf(bytes: Uint8Array): Part {
  if (isImageHead(bytes)) return { source: singleImage("-", () => Promise.resolve(bytes)), prefix: "" };
  throw new InputError("-", "the standard input is neither an image nor text; write one path a line, or one image");
}

function pathsOf(text: string): string[] {
  const paths = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (paths.length === 0) throw new InputError("-", "the standard input lists no images; write one path a line");
  return paths;
}
