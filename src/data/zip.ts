import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { createInflateRaw } from "node:zlib";
import { InputError } from "../errors.ts";
import { type Chunks, piped, streamChunks } from "./chunks.ts";

/** A file in a zip archive. */
export interface ZipEntry {
  readonly name: string;
  /** Unpacked, in bytes. */
  readonly size: number;
  readonly chunks: () => Chunks;
}

const endSignature = 0x06054b50;
const centralSignature = 0x02014b50;
const endBytes = 22;
const maximumComment = 0xffff;
const stored = 0;
const deflated = 8;

/** Lists a zip archive by its central directory (APPNOTE 4.3.12, 4.3.16). Throws InputError. */
export async function readZip(path: string): Promise<ZipEntry[]> {
  await using file = await open(path);
  const { size } = await file.stat();
  const at = Math.max(0, size - endBytes - maximumComment);
  const tail = (await file.read(Buffer.alloc(size - at), 0, size - at, at)).buffer;
  const end = findEnd(tail);
  if (end < 0) throw new InputError(path, "is truncated: a zip archive without its directory; copy it again");
  const length = tail.readUInt32LE(end + 12);
  const offset = tail.readUInt32LE(end + 16);
  if (offset + length > size) throw new InputError(path, "is larger than 4 GB or corrupt; save the array as .npy");
  const directory = (await file.read(Buffer.alloc(length), 0, length, offset)).buffer;
  return parseDirectory(directory, tail.readUInt16LE(end + 10), path);
}

function findEnd(tail: Buffer): number {
  for (let at = tail.length - endBytes; at >= 0; at--) if (tail.readUInt32LE(at) === endSignature) return at;
  return -1;
}

function parseDirectory(directory: Buffer, count: number, path: string): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== centralSignature) {
      throw new InputError(path, "has a corrupt zip directory; copy it again");
    }
    const nameLength = directory.readUInt16LE(at + 28);
    entries.push(entry(directory.subarray(at), nameLength, path));
    at += 46 + nameLength + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

function entry(record: Buffer, nameLength: number, path: string): ZipEntry {
  const name = record.toString("utf8", 46, 46 + nameLength);
  const method = record.readUInt16LE(10);
  const packed = record.readUInt32LE(20);
  const offset = record.readUInt32LE(42);
  if (method !== stored && method !== deflated)
    throw new InputError(path, `"${name}" is packed by method ${method}; known: stored, deflated`);
  return { name, size: record.readUInt32LE(24), chunks: () => entryChunks(path, offset, packed, method) };
}

async function* entryChunks(path: string, offset: number, packed: number, method: number): Chunks {
  if (packed === 0) return;
  const start = offset + (await localHeaderBytes(path, offset));
  const file = createReadStream(path, { start, end: start + packed - 1 });
  yield* streamChunks(method === deflated ? piped(file, createInflateRaw()) : file, path);
}

async function localHeaderBytes(path: string, offset: number): Promise<number> {
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(30), 0, 30, offset);
  return 30 + buffer.readUInt16LE(26) + buffer.readUInt16LE(28);
}
