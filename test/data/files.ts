import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { packTar } from "modern-tar";
import { onTestFinished } from "vitest";
import type { ImageItem, ImageSource } from "../../src/data/types.ts";
import { golden } from "./golden.ts";

export const jpeg = await readFile(golden("tiny.jpg"));
export const png = await readFile(golden("translucent.png"));

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "twindnn-data-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files by their paths below a new folder; a path that ends in `/` is an empty folder. */
export async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(name.endsWith("/") ? path : dirname(path), { recursive: true });
    if (!name.endsWith("/")) await writeFile(path, content);
  }
  return folder;
}

export async function tarOf(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const entries = Object.entries(files).map(([name, body]) => ({
    header: { name, size: body.length, type: "file" as const },
    body,
  }));
  return packTar(entries);
}

export async function itemsOf(source: ImageSource): Promise<ImageItem[]> {
  const items: ImageItem[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** `name -> label` of all images, in order. */
export async function labelsOf(source: ImageSource): Promise<[string, number | undefined][]> {
  return (await itemsOf(source)).map(({ name, label }) => [name, label]);
}

/** What is in a folder. */
export function namesIn(folder: string): Promise<string[]> {
  return readdir(folder);
}
