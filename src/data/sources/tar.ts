import { posix } from "node:path";
import { ReadableStream, type TransformStream } from "node:stream/web";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { InputError } from "../../errors.ts";
import { type Chunks, collect, fileChunks } from "../chunks.ts";
import type { ImageItem, ImageSource } from "../types.ts";
import { isCifarName, type Member, openCifar } from "./cifar.ts";
import { isImageName } from "./files.ts";
import { folderOf, isHidden } from "./folder.ts";
import { holds, type OpenOptions, type Probe, type SourceFormat } from "./format.ts";
import { type Layout, layoutOf } from "./layout.ts";

/** A tar or tar.gz of `<class>/<file>`, of images without labels, or of CIFAR's binary files. */
export const tarArchive: SourceFormat = {
  name: "a tar or tar.gz of images",
  accepts: ({ kind, head }) => kind === "file" && holds(head, "ustar", 257),
  open: openTar,
};

async function openTar({ path }: Probe, options: OpenOptions): Promise<ImageSource> {
  const contents = await listContents(path);
  if (contents.images.size === 0) return openPacked(path, contents.others, options);
  const layout = layoutOf([...contents.images.keys()], [...contents.folders], options, path);
  const counts = [...contents.images].filter(([folder]) => layout.includes(folder)).map(([, count]) => count);
  return {
    name: path,
    count: counts.reduce((total, count) => total + count, 0),
    ...(layout.classes && { classes: layout.classes }),
    [Symbol.asyncIterator]: () => images(path, layout),
  };
}

/** Other files in the archive that pack images. */
async function openPacked(
  path: string,
  files: ReadonlyMap<string, number>,
  options: OpenOptions,
): Promise<ImageSource> {
  const members = [...files].map(
    ([name, size]): Member => ({ name: posix.basename(name), size, chunks: () => memberChunks(path, name) }),
  );
  if (members.some(({ name }) => isCifarName(name))) {
    return openCifar(
      path,
      members.filter(({ name }) => isCifarName(name) || name.endsWith(".txt")),
      options,
    );
  }
  throw new InputError(path, "holds no images; pack <class>/<file>, or images alone");
}

/** What one pass over the archive tells; its size is that of the folders, not of the files. */
interface Contents {
  /** Number of images in each folder that holds any. */
  readonly images: Map<string, number>;
  readonly folders: Set<string>;
  /** Sizes of the files that are no images. */
  readonly others: Map<string, number>;
}

const maximumOthers = 1000;

async function listContents(path: string): Promise<Contents> {
  const contents: Contents = { images: new Map(), folders: new Set(), others: new Map() };
  const { images, folders, others } = contents;
  for await (const entry of entries(path)) {
    await entry.body.cancel();
    const folder = folderOf(entry.name);
    if (entry.folder) folders.add(entry.name);
    else folders.add(folder);
    if (entry.folder) continue;
    if (isImageName(entry.name)) images.set(folder, (images.get(folder) ?? 0) + 1);
    else if (others.size < maximumOthers) others.set(entry.name, entry.size);
  }
  return contents;
}

/** The archive's images in its own order, read once more: an image's bytes live as long as its item. */
async function* images(path: string, layout: Layout): AsyncGenerator<ImageItem> {
  for await (const entry of entries(path)) {
    const folder = folderOf(entry.name);
    if (entry.folder || !isImageName(entry.name) || !layout.includes(folder)) {
      await entry.body.cancel();
      continue;
    }
    const bytes = await collect(entry.body);
    const label = layout.label(folder);
    yield { name: entry.name, ...(label !== undefined && { label }), read: async () => bytes };
  }
}

/** The bytes of one file in the archive. */
async function* memberChunks(path: string, member: string): Chunks {
  for await (const entry of entries(path)) {
    if (entry.name === member) yield* entry.body;
    else await entry.body.cancel();
  }
}

interface Entry {
  /** Path with `/`, without `./` before or `/` behind. */
  readonly name: string;
  readonly folder: boolean;
  readonly size: number;
  readonly body: ReadableStream<Uint8Array>;
}

/** Visible files and folders of the archive. Each body must be read or cancelled before the next. */
async function* entries(path: string): AsyncGenerator<Entry> {
  const decoder = createTarDecoder({ strict: true }) as TransformStream<Uint8Array, ParsedTarEntry>;
  try {
    for await (const { header, body } of ReadableStream.from(fileChunks(path)).pipeThrough(decoder)) {
      const name = header.name.replace(/^(\.?\/)+/, "").replace(/\/$/, "");
      const kind = header.type ?? "file";
      if ((kind !== "file" && kind !== "directory") || name.split("/").some(isHidden)) await body.cancel();
      else yield { name, folder: kind === "directory", size: header.size, body: body };
    }
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new InputError(path, `is truncated or corrupt (${message}); copy it again`, { cause });
  }
}
