import { setImmediate, setTimeout } from "node:timers/promises";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../../src/errors.ts";
import { folderOf, jpeg, tarOf } from "./files.ts";
import { createPreprocessor, type ImageItem, openImages, type Prepared, prepareAll, presets } from "./subject.ts";

/** Items that count how many are being prepared, and how many the consumer has not yet taken. */
function countedItems(count: number) {
  const state = { made: 0, running: 0, mostRunning: 0 };
  async function* items(): AsyncGenerator<ImageItem> {
    for (; state.made < count; ) {
      const name = String(state.made++);
      yield { name, label: 1, read: async () => new Uint8Array() };
    }
  }
  const preparer = (delay: (name: string) => number) => ({
    prepare: async (image: unknown) => {
      const { name } = image as ImageItem;
      state.mostRunning = Math.max(state.mostRunning, ++state.running);
      for (let i = 0; i < delay(name); i++) await setImmediate();
      state.running--;
      if (Number(name) % 5 === 3) throw new InputError(name, "is corrupt");
      return Uint8Array.of(Number(name));
    },
  });
  return { state, items, preparer };
}

async function collect(stream: AsyncIterable<Prepared>): Promise<Prepared[]> {
  const all: Prepared[] = [];
  for await (const each of stream) all.push(each);
  return all;
}

async function* stuck(): AsyncGenerator<ImageItem> {
  for (const name of ["0", "1"]) yield { name, read: async () => new Uint8Array() };
  await new Promise(() => {});
}

async function* broken(): AsyncGenerator<ImageItem> {
  yield { name: "a", read: async () => new Uint8Array() };
  throw new InputError("x.tar", "is truncated");
}

describe("images are prepared", () => {
  test("in source order, whatever each takes, and failures stop nothing", async () => {
    const run = fc.record({
      delays: fc.array(fc.nat(6), { minLength: 1, maxLength: 40 }),
      concurrency: fc.integer({ min: 1, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(run, async ({ delays, concurrency }) => {
        const { items, preparer, state } = countedItems(delays.length);
        const results = await collect(
          prepareAll(
            items(),
            preparer((name) => delays[Number(name)]!),
            { concurrency },
          ),
        );
        expect(results.map(({ name }) => name)).toEqual(delays.map((_, i) => String(i)));
        for (const [i, result] of results.entries()) expect("error" in result).toBe(i % 5 === 3);
        expect(state.mostRunning).toBeLessThanOrEqual(concurrency);
      }),
      { numRuns: 60 },
    );
  });

  test("no further ahead of a slow consumer than the window", async () => {
    const { items, preparer, state } = countedItems(50);
    let taken = 0;
    for await (const _ of prepareAll(
      items(),
      preparer(() => 0),
      { concurrency: 4 },
    )) {
      taken++;
      for (let i = 0; i < 5; i++) await setImmediate();
      expect(state.made - taken).toBeLessThanOrEqual(4);
    }
    expect(taken).toBe(50);
  });

  test("with nothing running on after an abort", async () => {
    const { items, preparer, state } = countedItems(1000);
    const controller = new AbortController();
    const results: Prepared[] = [];
    const run = async () => {
      for await (const each of prepareAll(
        items(),
        preparer(() => 3),
        { concurrency: 4, signal: controller.signal },
      )) {
        results.push(each);
        if (results.length === 10) controller.abort();
      }
    };
    await expect(run()).rejects.toThrow("aborted");
    expect(state.running).toBe(0);
    expect(state.made).toBeLessThanOrEqual(15);
  });

  test("with nothing running on, and the source closed, when the consumer leaves", async () => {
    const { items, preparer, state } = countedItems(1000);
    for await (const _ of prepareAll(
      items(),
      preparer(() => 3),
      { concurrency: 4 },
    ))
      break;
    const made = state.made;
    await setTimeout(5);
    expect(state).toMatchObject({ running: 0, made });
  });

  test("each as soon as it is ready, while the source has yet to give the next, and the consumer may leave then", async () => {
    const { preparer } = countedItems(0);
    const names: string[] = [];
    for await (const { name } of prepareAll(
      stuck(),
      preparer(() => 2),
      { concurrency: 8 },
    )) {
      names.push(name);
      if (names.length === 2) break;
    }
    expect(names).toEqual(["0", "1"]);
  });

  test("with turns for others, though no image ever waits", async () => {
    let prepared = 0;
    const prepare = async () => {
      for (const until = performance.now() + 1; performance.now() < until; );
      prepared++;
      return new Uint8Array();
    };
    const preparedBefore = setImmediate().then(() => prepared);
    await collect(prepareAll(countedItems(100).items(), { prepare }));
    expect(await preparedBefore).toBeLessThan(100);
  });

  test("until a source that breaks off, which is the last failure", async () => {
    const results = await collect(prepareAll(broken(), { prepare: async () => new Uint8Array(1) }));
    expect(results).toMatchObject([{ name: "a" }, { name: "x.tar", error: { message: "x.tar: is truncated" } }]);
  });

  test("but a defect is thrown, not listed", async () => {
    const { items } = countedItems(3);
    const preparing = collect(prepareAll(items(), { prepare: () => Promise.reject(new TypeError("defect")) }));
    await expect(preparing).rejects.toThrow("defect");
  });
});

test("a tar is read as it is consumed, not ahead", async () => {
  const images = Object.fromEntries(
    Array.from({ length: 400 }, (_, i) => [
      `${i % 2}/${String(i).padStart(3, "0")}.jpg`,
      Buffer.concat([jpeg, Buffer.alloc(9000)]),
    ]),
  );
  const folder = await folderOf({ "images.tar": await tarOf(images) });
  const source = await openImages(`${folder}/images.tar`);
  let opened = 0;
  const watched = {
    async *[Symbol.asyncIterator]() {
      for await (const item of source) {
        opened++;
        yield item;
      }
    },
  };
  let taken = 0;
  for await (const prepared of prepareAll(watched, createPreprocessor(presets.cifar10), { concurrency: 3 })) {
    taken++;
    expect("planes" in prepared).toBe(true);
    expect(opened - taken).toBeLessThanOrEqual(3);
  }
  expect(taken).toBe(400);
});
