import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { folderOf, itemsOf, jpeg, labelsOf, png, tarOf, temporaryFolder } from "./files.ts";
import { decodeImage, encodeNpy, openImages, packNpz } from "./subject.ts";

const record = (label: number) =>
  Buffer.concat([Buffer.from([label]), Buffer.alloc(1024, 10), Buffer.alloc(1024, 20), Buffer.alloc(1024, 30)]);
const batches = {
  "data_batch_1.bin": Buffer.concat([record(3), record(9)]),
  "data_batch_2.bin": record(0),
  "test_batch.bin": record(7),
  "batches.meta.txt": ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"].join(
    "\n",
  ),
};

const header = (magic: number, ...sizes: number[]) => {
  const bytes = Buffer.alloc(4 + 4 * sizes.length);
  bytes.writeUInt32BE(magic);
  for (const [i, size] of sizes.entries()) bytes.writeUInt32BE(size, 4 + 4 * i);
  return bytes;
};

const bytes = (count: number) => Uint8Array.from({ length: count }, (_, i) => i);

const hasPipes = process.platform !== "win32";

const image = (width: number) => ({ data: new Uint8Array(width), width, height: 1, channels: 1 as const });

describe("image folders", () => {
  test("labels are the positions of the sorted folder names, an empty folder included", async () => {
    const folder = await folderOf({
      "cat/2.jpg": jpeg,
      "cat/1.png": png,
      "ape/": "",
      "dog/x/y.jpg": jpeg,
      "dog/notes.txt": "",
    });
    const source = await openImages(folder);
    expect(source.classes).toEqual(["ape", "cat", "dog"]);
    expect(source.count).toBe(3);
    expect(await labelsOf(source)).toEqual([
      ["cat/1.png", 1],
      ["cat/2.jpg", 1],
      ["dog/x/y.jpg", 2],
    ]);
  });

  test("a labels file decides the order", async () => {
    const folder = await folderOf({ "cat/1.jpg": jpeg, "ape/1.jpg": jpeg });
    const source = await openImages(folder, { labels: ["cat", "bee", "ape"] });
    expect(source.classes).toEqual(["cat", "bee", "ape"]);
    expect(await labelsOf(source)).toEqual([
      ["ape/1.jpg", 2],
      ["cat/1.jpg", 0],
    ]);
  });

  test("folders that do not stand in the labels are listed", async () => {
    const folder = await folderOf({ "cat/1.jpg": jpeg, "cow/1.jpg": jpeg, "emu/1.jpg": jpeg });
    await expect(openImages(folder, { labels: ["cat", "dog"] })).rejects.toThrow(/2 of 3 class folders .*"cow", "emu"/);
  });

  test("images in one folder, or beside folders, have no labels", async () => {
    const flat = await openImages(await folderOf({ "b.jpg": jpeg, "a.jpg": jpeg, ".hidden.jpg": jpeg }));
    expect(await labelsOf(flat)).toEqual([
      ["a.jpg", undefined],
      ["b.jpg", undefined],
    ]);
    expect(flat).not.toHaveProperty("classes");
    const mixed = await openImages(await folderOf({ "b.jpg": jpeg, "cat/a.jpg": jpeg }));
    expect(mixed).not.toHaveProperty("classes");
    expect(mixed.count).toBe(2);
  });

  test("one of several parts must be named", async () => {
    const folder = await folderOf({
      "train/a/1.jpg": jpeg,
      "train/b/1.jpg": jpeg,
      "test/a/2.jpg": jpeg,
      "test/b/2.jpg": jpeg,
    });
    await expect(openImages(folder)).rejects.toThrow(
      "holds several parts (train, test); say which one: --split train|test",
    );
    expect(await labelsOf(await openImages(folder, { split: "test" }))).toEqual([
      ["test/a/2.jpg", 0],
      ["test/b/2.jpg", 1],
    ]);
    await expect(openImages(folder, { split: "val" })).rejects.toThrow('has no part "val"');
  });

  test("a folder without images is refused with the way out", async () => {
    await expect(openImages(await folderOf({ "a.txt": "" }))).rejects.toThrow(/holds no images; give a folder of JPEG/);
  });

  test("images come again at every pass", async () => {
    const source = await openImages(await folderOf({ "a/1.jpg": jpeg, "b/2.jpg": jpeg }));
    expect(await labelsOf(source)).toEqual(await labelsOf(source));
  });
});

describe("archives", () => {
  const files = { "set/b/1.jpg": jpeg, "set/a/2.png": png, "set/a/.DS_Store": jpeg, "set/notes.txt": png };

  test.each(["tar", "tar.gz"])("a .%s is labelled by its folders and keeps its own order", async (kind) => {
    const tar = await tarOf(files);
    const folder = await folderOf({ [`images.${kind}`]: kind === "tar" ? tar : gzipSync(tar) });
    const source = await openImages(join(folder, `images.${kind}`));
    expect(source.classes).toEqual(["a", "b"]);
    expect(source.count).toBe(2);
    expect(await labelsOf(source)).toEqual([
      ["set/b/1.jpg", 1],
      ["set/a/2.png", 0],
    ]);
    const [first, second] = await itemsOf(source);
    expect(await second!.read()).toEqual(png);
    expect(await first!.read()).toEqual(jpeg);
  });

  test("an archive made by tar, with ./ before its names, is the same", async () => {
    const folder = await folderOf({ "in/cat/1.jpg": jpeg, "in/dog/2.jpg": jpeg });
    execFileSync("tar", ["czf", join(folder, "out.tgz"), "-C", join(folder, "in"), "."]);
    const source = await openImages(join(folder, "out.tgz"));
    expect(new Map(await labelsOf(source))).toEqual(
      new Map([
        ["cat/1.jpg", 0],
        ["dog/2.jpg", 1],
      ]),
    );
  });

  test.each([0.3, 0.6, 0.9])("one cut off after %d of its length is refused", async (share) => {
    const tar = gzipSync(await tarOf(files));
    const folder = await folderOf({ "cut.tar.gz": tar.subarray(0, Math.floor(tar.length * share)) });
    await expect(openImages(join(folder, "cut.tar.gz"))).rejects.toThrow(/cut\.tar\.gz: is truncated or corrupt/);
  });

  test("one without images is refused", async () => {
    const folder = await folderOf({ "no.tar": await tarOf({ "a.txt": png }) });
    await expect(openImages(join(folder, "no.tar"))).rejects.toThrow("holds no images");
  });
});

describe("CIFAR's binary files", () => {
  test("are read in order, by part", async () => {
    const folder = await folderOf(batches);
    await expect(openImages(folder)).rejects.toThrow("holds several parts");
    const source = await openImages(folder, { split: "train" });
    expect(source.classes?.[3]).toBe("cat");
    expect(await labelsOf(source)).toEqual([
      ["data_batch_1.bin#0", 3],
      ["data_batch_1.bin#1", 9],
      ["data_batch_2.bin#0", 0],
    ]);
    const [item] = await itemsOf(source);
    expect(await item!.read()).toMatchObject({
      width: 32,
      height: 32,
      channels: 3,
      data: new Uint8Array(3072).map((_, i) => 10 * (1 + (i % 3))),
    });
  });

  test("are found in an archive, and alone", async () => {
    const tar = await tarOf(
      Object.fromEntries(Object.entries(batches).map(([name, data]) => [`cifar/${name}`, Buffer.from(data)])),
    );
    const folder = await folderOf({ ...batches, "cifar.tar.gz": gzipSync(tar) });
    const archived = await openImages(join(folder, "cifar.tar.gz"), { split: "test" });
    const alone = await openImages(join(folder, "test_batch.bin"));
    expect(archived.classes).toEqual(alone.classes);
    expect(await labelsOf(archived)).toEqual([["test_batch.bin#0", 7]]);
    expect(await labelsOf(alone)).toEqual([["test_batch.bin#0", 7]]);
  });

  test("of CIFAR-100 have a coarse label before the fine one", async () => {
    const folder = await folderOf({ "train.bin": Buffer.concat([Buffer.from([5]), record(42)]) });
    const source = await openImages(folder);
    expect(source.classes).toHaveLength(100);
    expect(await labelsOf(source)).toEqual([["train.bin#0", 42]]);
  });

  test("of a wrong size, or with a wrong label, are refused", async () => {
    const folder = await folderOf({ "test_batch.bin": record(1).subarray(1), "data_batch_1.bin": record(10) });
    await expect(openImages(join(folder, "test_batch.bin"))).rejects.toThrow("no whole number of CIFAR images");
    await expect(labelsOf(await openImages(join(folder, "data_batch_1.bin")))).rejects.toThrow("label 10, beyond 9");
  });
});

describe("idx files", () => {
  const images = Buffer.concat([header(0x803, 2, 2, 3), Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])]);
  const labels = Buffer.concat([header(0x801, 2), Buffer.from([4, 1])]);

  test("are paired by name, zipped or not", async () => {
    const folder = await folderOf({
      "t10k-images-idx3-ubyte.gz": gzipSync(images),
      "t10k-labels-idx1-ubyte": labels,
      "train-images.idx3-ubyte": images,
    });
    const source = await openImages(folder, { split: "test" });
    expect(source.classes).toEqual(["0", "1", "2", "3", "4"]);
    expect(await labelsOf(source)).toEqual([
      ["t10k-images-idx3-ubyte.gz#0", 4],
      ["t10k-images-idx3-ubyte.gz#1", 1],
    ]);
    const [, second] = await itemsOf(source);
    expect(await second!.read()).toEqual({
      data: new Uint8Array([7, 8, 9, 10, 11, 12]),
      width: 3,
      height: 2,
      channels: 1,
    });
    expect(await openImages(folder, { split: "train" })).not.toHaveProperty("classes");
  });

  test("take class names from labels or classes.txt, enough of them", async () => {
    const folder = await folderOf({
      "train-images-idx3-ubyte": images,
      "train-labels-idx1-ubyte": labels,
      "classes.txt": "a\nb\nc\nd\ne\n",
    });
    expect((await openImages(folder)).classes).toEqual(["a", "b", "c", "d", "e"]);
    await expect(openImages(folder, { labels: ["a", "b"] })).rejects.toThrow(
      "holds label 4, but there are 2 class names",
    );
  });

  test.each([1, 7])("that lack the last %d bytes fail where they end", async (missing) => {
    const folder = await folderOf({ "train-images-idx3-ubyte": images.subarray(0, images.length - missing) });
    await expect(labelsOf(await openImages(folder))).rejects.toThrow("is truncated");
  });

  test("with a different number of labels are refused", async () => {
    const folder = await folderOf({
      "train-images-idx3-ubyte": images,
      "train-labels-idx1-ubyte": labels.subarray(0, 9),
    });
    await expect(openImages(folder)).rejects.toThrow("holds 1 labels for 2 images");
  });
});

describe("NumPy arrays", () => {
  test("channels may stand before or behind", async () => {
    const folder = await folderOf({
      "grey.npy": encodeNpy(bytes(12), [2, 2, 3]),
      "last.npy": encodeNpy(bytes(36), [2, 2, 3, 3]),
      "first.npy": encodeNpy(bytes(60), [2, 3, 2, 5]),
    });
    const read = async (name: string) => (await itemsOf(await openImages(join(folder, name))))[0]!.read();
    expect(await read("grey.npy")).toEqual({ data: bytes(6), width: 3, height: 2, channels: 1 });
    expect(await read("last.npy")).toEqual({ data: bytes(18), width: 3, height: 2, channels: 3 });
    const first = await read("first.npy");
    expect(first).toMatchObject({ width: 5, height: 2, channels: 3 });
    expect([...(first as { data: Uint8Array }).data.subarray(0, 6)]).toEqual([0, 10, 20, 1, 11, 21]);
  });

  test("a packed set reads back, byte for byte and label for label", async () => {
    const path = join(await temporaryFolder(), "packed.npz");
    const images = [3, 1, 2].map((value) => ({
      data: new Uint8Array(12).fill(value),
      width: 3,
      height: 4,
      channels: 1 as const,
    }));
    await packNpz(path, images, [2, 0, 1]);
    const source = await openImages(path, { labels: ["a", "b", "c"] });
    expect(source).toMatchObject({ count: 3, classes: ["a", "b", "c"] });
    expect(await labelsOf(source)).toEqual([
      ["packed.npz#0", 2],
      ["packed.npz#1", 0],
      ["packed.npz#2", 1],
    ]);
    const items = await itemsOf(source);
    expect(await Promise.all(items.map((item) => item.read()))).toEqual(images);
  });

  test("images of different sizes do not pack", async () => {
    await expect(packNpz("never.npz", [image(1), image(2)], [0, 0])).rejects.toThrow("do not pack together");
  });

  test.each([
    [
      "float.npy",
      Buffer.from(encodeNpy(bytes(8), [2, 2, 2]))
        .toString("latin1")
        .replace("|u1", "<f4"),
      'of type "<f4"; save bytes',
    ],
    [
      "fortran.npy",
      Buffer.from(encodeNpy(bytes(8), [2, 2, 2]))
        .toString("latin1")
        .replace("False", "True "),
      "Fortran order",
    ],
    ["flat.npy", Buffer.from(encodeNpy(bytes(8), [2, 4])).toString("latin1"), "has images of sizes [4]"],
    ["head.npy", "\x93NUMPY\x01\x00\xff", "ends within its header"],
    ["cut.npz", "PK\x03\x04 and no directory", "is truncated"],
  ])("%s is refused", async (name, content, message) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, name), Buffer.from(content, "latin1"));
    await expect(openImages(join(folder, name))).rejects.toThrow(message);
  });
});

describe("tables", () => {
  test("give each file its class by number or by name", async () => {
    const images = { "x/1.jpg": jpeg, "x/2,3.jpg": jpeg };
    const numbers = await folderOf({
      ...images,
      "labels.csv": 'file,class\nx/1.jpg,2\n"x/2,3.jpg",0\n',
      "classes.txt": "a\nb\nc\n",
    });
    const names = await folderOf({ ...images, "labels.csv": "file,class\r\nx/1.jpg,dog\r\n" });
    expect((await openImages(numbers)).classes).toEqual(["a", "b", "c"]);
    expect(await labelsOf(await openImages(numbers))).toEqual([
      ["x/1.jpg", 2],
      ["x/2,3.jpg", 0],
    ]);
    expect(await labelsOf(await openImages(join(names, "labels.csv"), { labels: ["cat", "dog"] }))).toEqual([
      ["x/1.jpg", 1],
    ]);
  });

  test("with a line that is not understood are refused by its number", async () => {
    await expect(openImages(await folderOf({ "labels.csv": "file,class\na.jpg,0\nb.jpg\n" }))).rejects.toThrow(
      "line 3 is no <file>,<class>",
    );
  });
});

describe("arguments", () => {
  test("a pattern is expanded and sorted", async () => {
    const folder = await folderOf({ "x/b.jpg": jpeg, "y/a.jpg": jpeg, "y/c.txt": "" });
    const source = await openImages(`${folder}/**/*.jpg`);
    expect(await labelsOf(source)).toEqual([
      [join(folder, "x/b.jpg"), undefined],
      [join(folder, "y/a.jpg"), undefined],
    ]);
    await expect(openImages(`${folder}/*.gif`)).rejects.toThrow("matches no file");
  });

  test("a folder without images among the matches of a pattern fails in its place", async () => {
    const folder = await folderOf({ "a.jpg": jpeg, "b/c.jpg": jpeg, "empty/note.txt": "" });
    const [image, inFolder, empty, ...others] = await itemsOf(await openImages(`${folder}/*`));
    expect(others).toEqual([]);
    expect(await image!.read()).toEqual(jpeg);
    expect(await inFolder!.read()).toEqual(jpeg);
    await expect(empty!.read()).rejects.toThrow(/empty: holds no images/);
  });

  test("- reads paths, and a missing one fails when its turn comes", async () => {
    const folder = await folderOf({ "a.jpg": jpeg });
    const stdin = async function* () {
      yield `${folder}/a.j`;
      yield Buffer.from(`pg\r\n\n${folder}/gone.jpg`);
    };
    const source = await openImages("-", { stdin: stdin() });
    const [present, gone, ...others] = await itemsOf(source);
    expect(others).toEqual([]);
    expect(await present!.read()).toEqual(jpeg);
    await expect(gone!.read()).rejects.toThrow("gone.jpg: cannot be read");
  });

  test("- gives each path as soon as its line is there, and all of them again in the next pass", async () => {
    const given: string[] = [];
    const stdin = async function* () {
      for (const path of ["a.jpg", "b.jpg", "c.jpg"]) {
        given.push(path);
        yield `${path}\n`;
      }
    };
    const source = await openImages("-", { stdin: stdin() });
    for await (const { name } of source) {
      expect(given.at(-1)).toBe(name);
      if (name === "b.jpg") break;
    }
    for (let pass = 0; pass < 2; pass++) {
      expect((await itemsOf(source)).map(({ name }) => name)).toEqual(["a.jpg", "b.jpg", "c.jpg"]);
    }
  });

  test("- refuses what is empty or neither text nor an image", async () => {
    await expect(openImages("-", { stdin: Readable.from(["\n", " \n"]) })).rejects.toThrow("lists no images");
    await expect(openImages("-", { stdin: Readable.from([Buffer.from([7, 0])]) })).rejects.toThrow(
      "neither an image nor text",
    );
  });

  test("several follow each other, with names that stay unique", async () => {
    const a = await folderOf({ "cat/1.jpg": jpeg, "dog/1.jpg": jpeg });
    const b = await folderOf({ "cat/1.jpg": jpeg, "dog/1.jpg": jpeg });
    const same = await openImages([a, b]);
    expect(same).toMatchObject({ count: 4, classes: ["cat", "dog"] });
    expect(new Set((await labelsOf(same)).map(([name]) => name)).size).toBe(4);
    const mixed = await openImages([a, join(b, "cat/1.jpg")]);
    expect(mixed.classes).toBeUndefined();
    expect((await labelsOf(mixed)).at(-1)).toEqual([join(b, "cat/1.jpg"), undefined]);
  });

  test("what is missing or of no known format is refused", async () => {
    const folder = await folderOf({ "a.txt": "hello" });
    await expect(openImages(join(folder, "gone"))).rejects.toThrow("does not exist; check the path");
    await expect(openImages(join(folder, "a.txt"))).rejects.toThrow("is of an unknown format; known: a JPEG");
    await expect(openImages([])).rejects.toThrow("no images given");
  });

  test.skipIf(!hasPipes)("a pipe that nobody writes to is refused at once, wherever it stands", async () => {
    const folder = await folderOf({ "a.jpg": jpeg });
    const pipe = join(folder, "b.jpg");
    execFileSync("mkfifo", [pipe, join(folder, "data")]);
    await expect(openImages(pipe)).rejects.toThrow("b.jpg: is neither a file nor a folder; pipe an image");
    await expect(openImages(join(folder, "data"))).rejects.toThrow("data: is neither a file nor a folder");
    const stdin = async function* () {
      yield pipe;
    };
    for (const source of [await openImages(folder), await openImages("-", { stdin: stdin() })]) {
      const item = (await itemsOf(source)).at(-1)!;
      await expect(decodeImage(await item.read(), item.name)).rejects.toThrow("b.jpg: is empty");
    }
  });

  test("an image is told by content, whatever its name", async () => {
    const folder = await folderOf({ noname: png });
    expect((await openImages(join(folder, "noname"))).count).toBe(1);
  });
});
