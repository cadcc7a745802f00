import { readdir, stat } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { glob, isDynamicPattern } from "tinyglobby";
import { InputError, UsageError } from "../../errors.ts";
import { readHead } from "../chunks.ts";
import type { ImageSource } from "../types.ts";
import { cifarFile, cifarFolder } from "./cifar.ts";
import { concatenate, type Part } from "./concatenate.ts";
import { imageFile, imageList, isImageName, singleImage } from "./files.ts";
import { imageFolder } from "./folder.ts";
import { byName, type OpenOptions, type Probe, type SourceFormat } from "./format.ts";
import { idxFile, idxFolder } from "./idx.ts";
import { openInput } from "./input.ts";
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
 * patterns, URLs of images, and `-` for a list of paths, or one image, on the standard input. Formats are told by content.
 * Several arguments, or matches of a pattern, follow each other as one source, which is labelled when all agree on the
 * classes; one that cannot be opened is an image of it that cannot be read.
 *
 * @throws InputError when the only argument is missing, holds no images, is of an unknown format, or does not match `labels`
 */
export async function openImages(what: string | readonly string[], options: OpenOptions = {}): Promise<ImageSource> {
  const wanted = typeof what === "string" ? [what] : what;
  if (wanted.length === 0) throw new UsageError("no images given; name a file, folder, archive or pattern");
  const open = wanted.length === 1 ? openPart : openOrFail;
  const found: Found[] = [];
  for (const part of wanted) found.push(...(await open(part, options)));
  const parts = joinLists(found);
  return parts.length === 1 ? parts[0]!.source : concatenate(wanted.join(" "), parts);
}

/** Paths of single images stay paths, so that neighbours make one list. */
type Found = string[] | Part;

const openOrFail = async (part: string, options: OpenOptions): Promise<Found[]> =>
  [await orFailure(part, openPart(part, options))].flat();

/** What was opened, or in its place an image that cannot be read. */
async function orFailure<T>(name: string, opening: Promise<T>): Promise<T | Part> {
  try {
    return await opening;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { source: singleImage(name, () => Promise.reject(error)), prefix: "" };
  }
}

async function openPart(part: string, options: OpenOptions): Promise<Found[]> {
  if (part === "-") return [{ source: await openInput(options.stdin ?? process.stdin), prefix: "" }];
  if (/^(https?|data|file):/.test(part)) return [[part]];
  const exists = (await stat(part).catch(() => undefined)) !== undefined;
  if (!exists && isDynamicPattern(part)) return openMatches(part, options);
  return [await openPath(part, options)];
}

async function openMatches(pattern: string, options: OpenOptions): Promise<Found[]> {
  const matches = (
    await glob(pattern, { onlyFiles: false, expandDirectories: false, absolute: isAbsolute(pattern) })
  ).sort(byName);
  if (matches.length === 0) throw new InputError(pattern, "matches no file; check the pattern, and quote it");
  const paths = matches.map((path) => path.replace(/\/$/, ""));
  if (paths.length === 1) return [await openPath(paths[0]!, options)];
  return Promise.all(paths.map((path) => orFailure(path, openPath(path, options))));
}

async function openPath(path: string, options: OpenOptions): Promise<Found> {
  const probe = await probePath(path);
  if (imageFile.accepts(probe)) return [path];
  const format = formats.find((candidate) => candidate.accepts(probe));
  if (format !== undefined) return { source: await format.open(probe, options), prefix: `${path}/` };
  throw new InputError(path, `is of an unknown format; known: ${formats.map(({ name }) => name).join("; ")}`);
}

async function probePath(path: string): Promise<Probe> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new InputError(path, "does not exist; check the path", { cause });
  });
  if (found.isDirectory()) {
    return { path, kind: "folder", head: new Uint8Array(), entries: (await readdir(path)).sort(byName) };
  }
  if (!found.isFile()) {
    throw new InputError(path, 'is neither a file nor a folder; pipe an image, or a list of paths, into "-"');
  }
  return { path, kind: "file", head: isImageName(path) ? new Uint8Array() : await readHead(path), entries: [] };
}

/** Neighbouring paths of images become one list; such a list names its images by their whole path already. */
function joinLists(found: readonly Found[]): Part[] {
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
    parts.push(each);
  }
  flush();
  return parts;
}
