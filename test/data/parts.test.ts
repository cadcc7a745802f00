import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { decodeIntegers, parseNpyHeader } from "../../src/data/npy.ts";
import { InputError } from "../../src/errors.ts";
import { folderOf, labelsOf, namesIn, temporaryFolder } from "./files.ts";
import {
  cifar10,
  encodeNpy,
  fashionMnist,
  fingerprint,
  type ImageSource,
  openImages,
  overlap,
  partHash,
  selectImages,
  splitImages,
} from "./subject.ts";

function numbers(count: number): ImageSource {
  return {
    name: "numbers",
    count,
    async *[Symbol.asyncIterator]() {
      for (let i = 0; i < count; i++) yield { name: String(i), read: async () => Uint8Array.of(i) };
    },
  };
}

const labelled = (labels: readonly (number | undefined)[]): ImageSource => ({
  name: "labelled",
  count: labels.length,
  async *[Symbol.asyncIterator]() {
    for (const [i, label] of labels.entries()) {
      yield { name: String(i), read: async () => Uint8Array.of(i), ...(label === undefined ? {} : { label }) };
    }
  },
});

const namesOf = async (source: ImageSource) => (await labelsOf(source)).map(([name]) => name);

const draw = async (seed: number) => namesOf((await splitImages(numbers(100), { a: 30, b: "rest" }, seed)).a);

describe("parts of a source", () => {
  test("of one seed are disjoint, complete and in source order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.nat(60), fc.nat(), async (count, cut, shuffle) => {
        const take = cut % (count + 1);
        const source = numbers(count);
        const head = await selectImages(source, { shuffle, take });
        const tail = await selectImages(source, { shuffle, skip: take });
        const [a, b] = [await namesOf(head), await namesOf(tail)];
        expect([a.length, b.length]).toEqual([head.count, tail.count]);
        expect([...a, ...b].map(Number).sort((x, y) => x - y)).toEqual(Array.from({ length: count }, (_, i) => i));
        expect(a).toEqual([...a].sort((x, y) => Number(x) - Number(y)));
      }),
      { numRuns: 50 },
    );
  });

  test("are the same for the same seed and differ for another", async () => {
    expect(await draw(1)).toEqual(await draw(1));
    expect(await draw(1)).not.toEqual(await draw(2));
  });

  test("cut by classes hold each in its proportion, and are disjoint and complete", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { minLength: 1, maxLength: 80 }),
        fc.nat(80),
        fc.nat(),
        async (labels, cut, seed) => {
          const size = cut % (labels.length + 1);
          const sizes = { a: size, b: "rest" } as const;
          const parts = await splitImages(labelled(labels), sizes, seed, { stratified: true });
          const [a, b] = [await namesOf(parts.a), await namesOf(parts.b)];
          expect([...a, ...b].map(Number).sort((x, y) => x - y)).toEqual([...labels.keys()]);
          for (const label of new Set(labels)) {
            const share = labels.filter((each) => each === label).length / labels.length;
            const found = a.filter((name) => labels[Number(name)] === label).length;
            expect(Math.abs(found - share * a.length)).toBeLessThan(5);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("cut by classes, but with an image that has none, are drawn as if none had one", async () => {
    const some = labelled([0, 1, undefined, 1, 0, 1]);
    const plain = await splitImages(some, { a: 3 }, 4);
    const stratified = await splitImages(some, { a: 3 }, 4, { stratified: true });
    expect(await namesOf(stratified.a)).toEqual(await namesOf(plain.a));
  });

  test("larger than the source are refused", async () => {
    await expect(selectImages(numbers(10), { skip: 5, take: 6 })).rejects.toThrow(
      "holds 10 images, of which 5 are to be left out and 6 used; take 5 at most",
    );
    await expect(selectImages(numbers(10), { skip: 11 })).rejects.toThrow("11 are to be left out; skip 9 at most");
    await expect(splitImages(numbers(10), { a: 11 }, 1)).rejects.toThrow("holds 10 images; the parts want 11");
  });

  test("are proven disjoint by fingerprints, whose hash knows no order", () => {
    const prints = [0, 1, 2, 3].map((value) => fingerprint(new Uint8Array(4).fill(value)));
    expect(prints[0]).toMatch(/^[\w-]{8}$/);
    expect(overlap(prints.slice(0, 2), prints.slice(2))).toEqual([]);
    expect(overlap(prints.slice(0, 3), prints.slice(2))).toEqual([prints[2]]);
    expect(partHash(prints)).toBe(partHash(prints.toReversed()));
    expect(partHash(prints)).not.toBe(partHash(prints.slice(1)));
  });
});

describe(".npy", () => {
  test("comes back as it was written, aligned to 64 bytes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }), (shape) => {
        const data = new Uint8Array(shape.reduce((product, side) => product * side, 1)).map((_, i) => i);
        const header = parseNpyHeader(encodeNpy(data, shape), "x.npy");
        expect(header).toMatchObject({ type: "|u1", shape });
        expect(header.length % 64).toBe(0);
        expect(new Uint8Array(encodeNpy(data, shape).subarray(header.length))).toEqual(data);
      }),
    );
  });

  test("holds whole numbers", () => {
    const values = [0, 7, 2 ** 31 - 1];
    expect([...decodeIntegers(encodeNpy(BigInt64Array.from(values, BigInt), [3]), "y.npy")]).toEqual(values);
  });
});

describe("Fashion-MNIST", () => {
  test("that is not the published one is refused, and not kept", async () => {
    const server = createServer((_, response) => response.end("no data set"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const folder = await temporaryFolder();
    const { port } = server.address() as { port: number };
    await expect(fashionMnist(folder, { address: `http://127.0.0.1:${port}` })).rejects.toThrow(
      /train-images-idx3-ubyte\.gz: is not the published file: SHA-256/,
    );
    expect(await namesIn(folder)).toEqual([]);
  });

  test("that is not there says where to look", async () => {
    const folder = await temporaryFolder();
    await expect(fashionMnist(folder, { from: await folderOf({}) })).rejects.toThrow(
      'is missing; give the folder that holds it with "--from"',
    );
    await expect(fashionMnist(folder, { address: "http://127.0.0.1:9" })).rejects.toThrow(
      "cannot be fetched; check the network",
    );
  });

  test("that does not come leaves no folder made for it, and one that was there as it was", async () => {
    const folder = await temporaryFolder();
    const from = await folderOf({});
    await expect(fashionMnist(join(folder, "new"), { from })).rejects.toThrow(InputError);
    await expect(fashionMnist(folder, { from })).rejects.toThrow(InputError);
    expect(await namesIn(folder)).toEqual([]);
  });

  const published = process.env.FASHION_MNIST;
  test.skipIf(published === undefined)(
    "is installed with its class names (needs FASHION_MNIST, a folder of its files)",
    async () => {
      const folder = await temporaryFolder();
      const server = createServer(
        (request, response) => void readFile(join(published!, request.url!)).then((file) => response.end(file)),
      );
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void server.close());
      const { port } = server.address() as { port: number };
      await fashionMnist(folder, { address: `http://127.0.0.1:${port}` });
      const source = await openImages(folder, { split: "test" });
      expect(source.count).toBe(10_000);
      expect(source.classes?.at(-1)).toBe("Ankle boot");
    },
  );
});

describe("CIFAR-10", () => {
  test("that is not the published one is refused, and not kept", async () => {
    const folder = await temporaryFolder();
    const from = await folderOf({ "cifar-10-binary.tar.gz": "no data set" });
    await expect(cifar10(folder, { from })).rejects.toThrow(
      /cifar-10-binary\.tar\.gz: is not the published file: SHA-256 is [0-9a-f]{64}, not c4a38c50/,
    );
    expect(await namesIn(folder)).toEqual([]);
  });
});
