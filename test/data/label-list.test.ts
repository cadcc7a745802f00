import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { labelList, readLabelList, refuseFilledList, withLabels } from "../../src/data/index.ts";
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

const read = (text: string) => readLabelList(written(text), ["cat", "dog"]);

test("a list without its heading, or with two classes of one image, is refused", async () => {
  await expect(read("a.png,cat\nb.png,dog\n")).rejects.toThrow(/does not begin with the heading file,class/);
  await expect(read("file,class\na.png,cat\na.png,dog\n")).rejects.toThrow(/line 3: gives a.png a second class/);
  expect((await read("file,class\r\na.png,cat\r\na.png,cat\r\n")).size).toBe(1);
});

test("a list that names no image of the source is refused, with the name", async () => {
  const source = {
    name: "photos",
    async *[Symbol.asyncIterator]() {
      yield { name: "a.png", read: async () => new Uint8Array() };
    },
  };
  const all = async (labels: ReadonlyMap<string, number>) => {
    const items = [];
    for await (const item of withLabels(source, labels, "list.csv")) items.push(item);
    return items;
  };
  expect(await all(new Map([["a.png", 1]]))).toMatchObject([{ name: "a.png", label: 1 }]);
  await expect(
    all(
      new Map([
        ["a.png", 1],
        ["b.png", 1],
      ]),
    ),
  ).rejects.toThrow(/list.csv: names b.png, which is no image of photos/);
});

test("a list in which classes are filled in is not written over", async () => {
  const list = labelList(["a.png", "b.png"]);
  await refuseFilledList(join(folder, "none.csv"));
  await refuseFilledList(written(list));
  await expect(refuseFilledList(written(list.replace("b.png,", "b.png,dog")))).rejects.toThrow(/classes are filled in/);
});
