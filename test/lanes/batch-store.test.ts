import { fstatSync, openSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BatchFile, BatchReader } from "../../src/lanes/batch-file.ts";
import { type BatchStore, noStore } from "../../src/lanes/batch-store.ts";
import type { BatchPlace } from "../../src/lanes/protocol.ts";
import { SharedMemory } from "../../src/lanes/shared-memory.ts";
import type { Pixels } from "../../src/lanes/types.ts";

const pieces = fc.oneof(
  fc.array(fc.uint8Array({ minLength: 1, maxLength: 3_000 }), { minLength: 1, maxLength: 5 }),
  fc.array(fc.float32Array({ minLength: 1, maxLength: 1_000 }), { minLength: 1, maxLength: 5 }),
);
/** After each batch, the runs at these places among those under way end. */
const steps = fc.array(fc.record({ put: pieces, ends: fc.array(fc.nat(), { maxLength: 2 }) }), { maxLength: 20 });

/** A run under way: what was put for it, and what its lane was told. */
interface UnderWay {
  readonly put: readonly Pixels[];
  readonly told: Pixels | BatchPlace;
}

function checkStore(store: BatchStore, read: (told: Pixels | BatchPlace) => Pixels, place: (run: UnderWay) => unknown) {
  fc.assert(
    fc.property(steps, (batches) => {
      const underWay = new Map<number, UnderWay>();
      const end = (run: number) => {
        store.free(run);
        underWay.delete(run);
      };
      for (const [run, { put, ends }] of batches.entries()) {
        underWay.set(run, { put, told: store.put(run, put) });
        for (const { put, told } of underWay.values()) expect([...read(told)]).toEqual(put.flatMap((one) => [...one]));
        expect(new Set([...underWay.values()].map(place)).size).toBe(underWay.size);
        for (const which of ends) end([...underWay.keys()][which % underWay.size] ?? run);
      }
      for (const run of underWay.keys()) end(run);
    }),
  );
}

describe.runIf(process.platform === "linux")("a batch file", () => {
  it("gives every batch back as it was put, whatever order runs end in", () => {
    const file = BatchFile.open()!;
    const reader = new BatchReader(file.descriptor);
    checkStore(
      file,
      (told) => reader.read(told as BatchPlace),
      ({ told }) => (told as BatchPlace).slot,
    );
    file.close();
  });

  it("has no name that could be left behind", () => {
    const file = BatchFile.open()!;
    expect(fstatSync(file.descriptor).nlink).toBe(0);
    file.close();
  });

  it("takes no more slots than runs at a time", () => {
    const file = BatchFile.open()!;
    const slot = (run: number) => (file.put(run, [new Uint8Array(8)]) as BatchPlace).slot;
    expect([slot(0), slot(1)]).toEqual([0, 1]);
    file.free(0);
    expect(slot(2)).toBe(0);
    file.close();
  });

  it("sends the images themselves where it has no room", () => {
    const full = new BatchFile(openSync("/dev/full", "w"));
    expect(full.put(0, [Uint8Array.of(1, 2), Uint8Array.of(3, 4)])).toEqual(Uint8Array.of(1, 2, 3, 4));
    full.close();
  });
});

describe("memory shared with a thread", () => {
  it("gives every batch back as it was put, whatever order runs end in", () => {
    checkStore(
      new SharedMemory(),
      (told) => told as Pixels,
      ({ told }) => (told as Pixels).buffer,
    );
  });

  it("is used again by the next run that fits", () => {
    const memory = new SharedMemory();
    const large = memory.put(0, [new Float32Array(100)]);
    memory.free(0);
    expect(memory.put(1, [new Uint8Array(7)]).buffer).toBe(large.buffer);
  });
});

it("no store takes a batch of bytes and floats", () => {
  const mixed = [Uint8Array.of(1), Float32Array.of(2)];
  const file = BatchFile.open();
  for (const store of [noStore, new SharedMemory(), ...(file === undefined ? [] : [file])]) {
    for (const pieces of [mixed, mixed.toReversed()]) {
      expect(() => store.put(0, pieces)).toThrow(
        /2 pieces has 1 of floats, the others of bytes; give pieces of one type/,
      );
    }
  }
  file?.close();
});

describe("no store", () => {
  it("sends the images in one piece", () => {
    expect(noStore.put(0, [Float32Array.of(1), Float32Array.of(2, 3)])).toEqual(Float32Array.of(1, 2, 3));
  });
});
