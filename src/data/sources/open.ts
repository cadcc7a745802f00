import { readdir, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { glob, isDynamicPattern } from "tinyglobby";
import { InputError, UsageError } from "../../errors.ts";
import { readHead } from "../chunks.ts";
import type { ImageSource } from "../types.ts";
import { cifarFile, cifarFolder } from "./cifar.ts";
import { concatenate, type Part } from "./concatenate.ts";
import { imageFile, imageList, isImageName } from "./files.ts";
import { imageFolder } from "./folder.ts";
import { byName, type OpenOptions, type Probe, type SourceFormat } from "./format.ts";
import { idxFile, idxFolder } from "./idx.ts";
import { labelledFolder, labelTable } from "./labels-csv.ts";
import { npyFile, npzFile } from "./numpy.ts";
import { tarArchive } from "./tar.ts";

/** All formats; the first that accepts a path opens it. */
const formats: readonly SourceFormat[] = [
  imageFile,
  tarArchive,
  npyFile,
  npzFile,
  idxFile,
  idxFolder,
  cifarFile,
  cifarFolder,
  labelTable,
  labelledFolder,
  imageFolder,
];

/**
 * Opens images, whatever they are stored in: image files, folders (`<class>/<file>`), archives, packed data sets, glob
 * patterns, URLs of images, and `-` for a list of paths on the standard input. Formats are told by content.
 * Several arguments follow each other as one source, which is labelled when all agree on the classes.
 *
 * @throws InputError when something is missing, holds no images, is of an unknown format, or does not match `labels`
 */
export async function openImages(what: string | readonly string[], options: OpenOptions = {}): Promise<ImageSource> {
  const wanted = typeof what === "string" ? [what] : what;
  if (wanted.length === 0) throw new UsageError("no images given; name a file, folder, archive or pattern");
  const found: (string[] | ImageSource)[] = [];
  for (const part of wanted) found.push(...(await openPart(part, options)));
  const parts = joinLists(found);
  return parts.length === 1 ? parts[0]!.source : concatenate(wanted.join(" "), parts);
}

/** Paths of single images stay paths, so that neighbours make one list. */
async function openPart(part: string, options: OpenOptions): Promise<(string[] | ImageSource)[]> {
  if (part === "-") return [await readList(options.stdin ?? process.stdin)];
  if (/^(https?|data|file):/.test(part)) return [[part]];
  const exists = (await stat(part).catch(() => undefined)) !== undefined;
  if (!exists && isDynamicPattern(part)) return openMatches(part, options);
  return [await openPath(part, options)];
}

async function readList(input: AsyncIterable<string | Uint8Array>): Promise<string[]> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of input) text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
  const paths = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (paths.length === 0) throw new InputError("-", "the standard input lists no images; write one path a line");
  return paths;
}

async function openMatches(pattern: string, options: OpenOptions): Promise<(string[] | ImageSource)[]> {
  const matches = (
    await glob(pattern, { onlyFiles: false, expandDirectories: false, absolute: isAbsolute(pattern) })
  ).sort(byName);
  if (matches.length === 0) throw new InputError(pattern, "matches no file; check the pattern, and quote it");
  const paths = matches.map((path) => path.replace(/\/$/, ""));
  return Promise.all(paths.map((path) => openPath(path, options)));
}

async function openPath(path: string, options: OpenOptions): Promise<string[] | ImageSource> {
  const probe = await probePath(path);
  if (imageFile.accepts(probe)) return [path];
  const format = formats.find((candidate) => candidate.accepts(probe));
  if (format !== undefined) return format.open(probe, options);
  throw new InputError(path, `is of an unknown format; known: ${formats.map(({ name }) => name).join("; ")}`);
}

async function probePath(path: string): Promise<Probe> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new InputError(path, "does not exist; check the path", { cause });
  });
  if (found.isDirectory()) {
    return { path, kind: "folder", head: new Uint8Array(), entries: (await readdir(path)).sort(byName) };
  }
  return { path, kind: "file", head: isImageName(path) ? new Uint8Array() : await readHead(path), entries: [] };
}

/** Neighbouring paths of images become one list; such a list names its images by their whole path already. */
function joinLists(found: readonly (string[] | ImageSource)[]): Part[] {
  const parts: Part[] = [];
  let paths: string[] = [];
  const flush = (): void => {
    const name = paths.length === 1 ? paths[0]! : `${paths.length} images`;
    if (paths.length > 0) parts.push({ source: imageList(name, paths), prefix: "" });
    paths = [];
  };
  for (const each of found) {
    if (Array.isArray(each)) {
      paths.push(...each);
      continue;
    }
    flush();
    parts.push({ source: each, prefix: `${each.name}/` });
  }
  flush();
  return parts;
}
