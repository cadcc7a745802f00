import { readFileSync } from "node:fs";
import { globSync } from "tinyglobby";
import { expect, test } from "vitest";

/** Folders of src/, from the top down: imports run downwards. */
const layers = ["cli", "report", "bench", "compress", "train", "twin", "lanes", "data", "onnx"];

const layerOf = (path: string): string | undefined => /^(?:\.\/)?src\/(\w+)\//.exec(path)?.[1];

/** What a source file imports, as paths from the root. */
function importsOf(file: string): string[] {
  const specifiers = readFileSync(file, "utf8").matchAll(/(?:from|import\() ?"(\.[^"]+)"/g);
  return [...specifiers].map(([, specifier]) => new URL(specifier!, `file:///${file}`).pathname.slice(1));
}

test("imports run downwards through the layers, never up", () => {
  const files = globSync("src/*/**/*.ts");
  const upward = files.flatMap((file) =>
    importsOf(file)
      .filter((target) => layers.indexOf(layerOf(target) ?? "onnx") < layers.indexOf(layerOf(file)!))
      .map((target) => `${file} imports ${target}`),
  );
  expect(files.length).toBeGreaterThan(100);
  expect(upward).toEqual([]);
});

test("every folder of src is a layer", () => {
  expect(new Set(globSync("src/*/**/*.ts").map(layerOf))).toEqual(new Set(layers));
});

test("the pure core of the twin imports nothing of Node", () => {
  const pure = globSync("src/twin/{confidence,calibration,statistics}/**/*.ts");
  const impure = pure.filter((file) => /from "node:/.test(readFileSync(file, "utf8")));
  expect(pure.length).toBeGreaterThan(20);
  expect(impure).toEqual([]);
});
