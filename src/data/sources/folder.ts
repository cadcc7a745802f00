import { readdir, realpath, stat } from "node:fs/promises";
import { join, posix } from "node:path";
import { InputError } from "../../errors.ts";
import { readImageFile } from "../decode.ts";
import type { ImageItem, ImageSource } from "../types.ts";
import { isImageName } from "./files.ts";
import { byName, type OpenOptions, type Probe, type SourceFormat } from "./format.ts";
import { layoutOf } from "./layout.ts";

/** `<class>/<file>`, or images in one folder without labels. */
export const imageFolder: SourceFormat = {
  name: "a folder of images (<class>/<file>)",
  accepts: (probe) => probe.kind === "folder",
  open: openFolder,
};

async function openFolder({ path }: Probe, options: OpenOptions): Promise<ImageSource> {
  const { images, folders } = await walk(path);
  if (images.length === 0) {
    throw new InputError(
      path,
      "holds no images; give a folder of JPEG, PNG, WebP, GIF or AVIF files, or of folders of these",
    );
  }
  const withImages = [...new Set(images.map(folderOf))];
  const layout = layoutOf(withImages, folders, options, path);
  const included = images.filter((image) => layout.includes(folderOf(image)));
  return {
    name: path,
    count: included.length,
    ...(layout.classes && { classes: layout.classes }),
    async *[Symbol.asyncIterator]() {
      for (const image of included) yield fileItem(join(path, image), image, layout.label(folderOf(image)));
    },
  };
}

/** An image in a file of its own. */
export function fileItem(path: string, name: string, label?: number): ImageItem {
  return { name, ...(label !== undefined && { label }), read: () => readImageFile(path) };
}

/** The folder of a path with `/`; empty at the top. */
export function folderOf(path: string): string {
  const folder = posix.dirname(path);
  return folder === "." ? "" : folder;
}

interface Tree {
  /** Paths below the root with `/`, depth first, each folder by name. */
  readonly images: string[];
  readonly folders: string[];
}

/** Everything visible below `root`; links are followed, a loop only once. */
async function walk(root: string): Promise<Tree> {
  const tree: Tree = { images: [], folders: [] };
  const seen = new Set<string>();
  const visit = async (folder: string): Promise<void> => {
    const real = await realpath(join(root, folder));
    if (seen.has(real)) return;
    seen.add(real);
    tree.folders.push(folder);
    const entries = await readdir(real, { withFileTypes: true });
    for (const entry of entries.sort((a, b) => byName(a.name, b.name))) {
      const path = posix.join(folder, entry.name);
      if (isHidden(entry.name)) continue;
      if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(join(root, path))))) await visit(path);
      else if (isImageName(entry.name)) tree.images.push(path);
    }
  };
  await visit("");
  return tree;
}

/** What systems and archivers leave behind. */
export function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "__MACOSX";
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
