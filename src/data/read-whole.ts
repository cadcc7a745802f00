import { closeSync, fstatSync, open, read, readFile } from "node:fs";
import { promisify } from "node:util";
import { readAtOnce } from "./chunks.ts";

const openPath = promisify(open);
const readRest = promisify(readFile);

/** The largest file that one call reads. */
const largestRead = 2 ** 31 - 1;

/**
 * The whole of a file. Handing a call to another thread and back takes longer than reading a small image, so only what may
 * wait for the disk, opening and reading, is handed over.
 */
export async function readWhole(path: string): Promise<Uint8Array> {
  const descriptor = await openPath(path, readAtOnce);
  try {
    const { size } = fstatSync(descriptor);
    // Pipes and devices tell no size.
    return size > 0 && size <= largestRead ? await readStart(descriptor, size) : await readRest(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The first `size` bytes, or fewer where the file ends before. */
async function readStart(descriptor: number, size: number): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  for (let last = -1; filled < size && last !== 0; filled += last) {
    last = await readInto(descriptor, bytes.subarray(filled), filled);
  }
  return bytes.subarray(0, filled);
}

function readInto(descriptor: number, target: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, target, 0, target.length, position, (error, count) => (error ? reject(error) : resolve(count)));
  });
}
