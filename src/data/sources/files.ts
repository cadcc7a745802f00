import { extname } from "node:path";
import { encodedBytes } from "../decode.ts";
import type { ImageItem, ImageSource } from "../types.ts";
import { holds, type SourceFormat } from "./format.ts";

/** Extensions of image files; what cannot be decoded among them is reported image by image, not passed over. */
const extensions = new Set([
  ".jpg",
  ".jpeg",
  ".jpe",
  ".jfif",
  ".png",
  ".webp",
  ".gif",
  ".avif",
  ".bmp",
  ".tif",
  ".tiff",
]);

/** Whether a file is an image by its name. */
export function isImageName(name: string): boolean {
  return extensions.has(extname(name).toLowerCase());
}

/** Whether a file is an image by its first bytes. */
export function isImageHead(head: Uint8Array): boolean {
  const starts = ["\xff\xd8\xff", "\x89PNG\r\n\x1a\n", "GIF8", "BM", "II*\0", "MM\0*"];
  if (starts.some((start) => holds(head, start))) return true;
  return (
    (holds(head, "RIFF") && holds(head, "WEBP", 8)) ||
    (holds(head, "ftyp", 4) && /^(avi[fs]|mif1|msf1|hei)/.test(brand(head)))
  );
}

function brand(head: Uint8Array): string {
  return String.fromCharCode(...head.subarray(8, 12));
}

/** A single image. */
export const imageFile: SourceFormat = {
  name: "a JPEG, PNG, WebP, GIF or AVIF image",
  accepts: ({ path, kind, head }) => kind === "file" && (isImageHead(head) || isImageName(path)),
  open: async ({ path }) => imageList(path, [path]),
};

/** One image without a label, read by `read`. */
export function singleImage(name: string, read: ImageItem["read"]): ImageSource {
  return {
    name,
    count: 1,
    async *[Symbol.asyncIterator]() {
      yield { name, read };
    },
  };
}

/** Images by path or URL, without labels; a missing one is that image's failure. */
export function imageList(name: string, paths: readonly string[]): ImageSource {
  return {
    name,
    count: paths.length,
    async *[Symbol.asyncIterator]() {
      for (const path of paths) yield pathItem(path);
    },
  };
}

/** An image by path or URL. */
export const pathItem = (path: string): ImageItem => ({ name: path, read: () => encodedBytes(path, path) });
