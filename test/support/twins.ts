import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import sharp from "sharp";
import { Preprocessing } from "../../src/data/index.ts";
import { encodeModel } from "../../src/onnx/index.ts";
import { classifier } from "./models.ts";

/** A folder that is there for one test file; call `remove` after all. */
export function scratch(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "twindnn-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Side of the test images, and how their classes are called. */
export const side = 8;
export const labels = ["apple", "book", "cup", "door"];

/** Preprocessing of the test networks. */
export const preprocessing = Preprocessing.parse({
  resize: { mode: "exact", size: side },
  mean: [0.5],
  std: [0.25],
});

/** Writes a pair of networks that often agree: the compressed one has less work to do. */
export function writePair(folder: string): { original: string; compressed: string } {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, depth: number): string => {
    const path = join(folder, `${name}.onnx`);
    writeFileSync(path, encodeModel(classifier({ seed: 5, size: side, depth })));
    return path;
  };
  return { original: write("a", 3), compressed: write("b", 1) };
}

/** Writes `count` PNG images of a random colour with noise, in a folder for each class where `labelled`. Returns the folder. */
export async function writeImages(folder: string, count: number, { labelled = true, seed = 1 } = {}): Promise<string> {
  const random = xoroshiro128plus(seed);
  for (const label of labels) mkdirSync(labelled ? join(folder, label) : folder, { recursive: true });
  for (let i = 0; i < count; i++) {
    const colour = Array.from({ length: 3 }, () => uniformInt(random, 0, 200));
    const data = Uint8Array.from({ length: side * side * 3 }, (_, at) => colour[at % 3]! + uniformInt(random, 0, 55));
    const place = labelled ? join(folder, labels[i % labels.length]!) : folder;
    const name = `${String(i).padStart(4, "0")}.png`;
    await sharp(data, { raw: { width: side, height: side, channels: 3 } })
      .png()
      .toFile(join(place, name));
  }
  return folder;
}
