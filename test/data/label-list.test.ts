import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { labelList, readLabelList, refuseFilledList } from "../../src/data/index.ts";
import { parseLine } from "../../src/data/sources/labels-csv.ts";

const folder = mkdtempSync(join(tmpdir(), "twindnn-labels-"));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (text: string): string => {
  const path = join(folder, "list.csv");
  writeFileSync(path, text);
  return path;
};

test("files and classes with commas and quotes are given in quotes", () => {
  expect(parseLine('"a, ""b"".png","tench, Tinca tinca"', 2, "t")).toEqual({
    file: 'a, "b".png',
    value: "tench, Tinca tinca",
  });
  expect(parseLine("a.png , 3 ", 2, "t")).toEqual({ file: "a.png ", value: "3" });
  expect(parseLine('"a.png","3"', 2, "t")).toEqual({ file: "a.png", value: "3" });
  for (const line of ["a.png", "a.png,", "a.png,b,c", ",3", 'a.png,"']) {
    expect(() => parseLine(line, 2, "t")).toThrow(/line 2 is no <file>,<class>/);
  }
});

test("a list comes back with the classes that were filled in, by name or number", async () => {
  const lines = labelList(["a.png", 'b,"c".png', "d.png"]).split("\n");
  lines[1] += "dog";
  lines[2] += '"cat, wild"';
  const labels = await readLabelList(written(lines.join("\n")), ["dog", "cat, wild"]);
  expect([...labels]).toEqual([
    ["a.png", 0],
    ['b,"c".png', 1],
  ]);
});

test("a list in which classes are filled in is not written over", async () => {
  const list = labelList(["a.png", "b.png"]);
  await refuseFilledList(join(folder, "none.csv"));
  await refuseFilledList(written(list));
  await expect(refuseFilledList(written(list.replace("b.png,", "b.png,dog")))).rejects.toThrow(/classes are filled in/);
});
