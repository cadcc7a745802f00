import { InputError } from "../../errors.ts";
import { collect } from "../chunks.ts";
import type { ImageItem, ImageSource } from "../types.ts";
import { isImageHead, pathItem, singleImage } from "./files.ts";

type Input = AsyncIterable<string | Uint8Array>;

/**
 * What the standard input holds: paths of images, one a line, each taken up as soon as it is there, or one image itself.
 * Waits for the first line or bytes of it.
 *
 * @throws InputError when it holds neither
 */
export async function openInput(input: Input): Promise<ImageSource> {
  const chunks = bytesOf(input);
  const head = await readHead(chunks);
  const whole = concatenate(head, chunks);
  if (head.includes(0) || isImageHead(head)) return imageOf(head, whole);
  if (isPath(textOf(head))) return listOf(linesOf(whole));
  throw new InputError("-", "the standard input lists no images; write one path a line");
}

async function* bytesOf(input: Input): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}

async function* concatenate(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* rest;
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The chunks up to the one that tells: a line of text, a zero, which no path holds, or enough to know an image by. */
async function readHead(chunks: AsyncGenerator<Uint8Array>): Promise<Uint8Array> {
  const enough = 16;
  let head: Uint8Array = new Uint8Array();
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
    head = Buffer.concat([head, next.value]);
    const isLine = isPath(textOf(head)) && head.includes("\n".charCodeAt(0));
    if (isLine || head.includes(0) || head.length >= enough) break;
  }
  return head;
}

/** Every format of images has zeros in it, and no path has. */
async function imageOf(head: Uint8Array, chunks: AsyncIterable<Uint8Array>): Promise<ImageSource> {
  if (!isImageHead(head)) {
    throw new InputError("-", "the standard input is neither an image nor text; write one path a line, or one image");
  }
  const bytes = await collect(chunks);
  return singleImage("-", () => Promise.resolve(bytes));
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop()!;
    yield* lines.filter(isPath);
  }
  if (isPath(rest)) yield rest;
}

const isPath = (line: string): boolean => line.trim() !== "";

/** Images by path or URL, without labels; a missing one is that image's failure. Paths are kept for the next pass. */
function listOf(lines: AsyncGenerator<string>): ImageSource {
  const paths: string[] = [];
  return {
    name: "-",
    async *[Symbol.asyncIterator](): AsyncGenerator<ImageItem> {
      for (let at = 0; ; at++) {
        if (at === paths.length) {
          const { done, value } = await lines.next();
          if (done === true) return;
          paths.push(value);
        }
        yield pathItem(paths[at]!);
      }
    },
  };
}
