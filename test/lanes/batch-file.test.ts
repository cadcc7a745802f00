import { fstatSync, openSync } from "node:fs";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BatchFile, BatchReader } from "../../src/lanes/batch-file.ts";
import type { BatchPlace } from "../../src/lanes/protocol.ts";

const batchData = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 10_000 }),
  fc.float32Array({ minLength: 1, maxLength: 3_000 }),
);

describe.runIf(process.platform === "linux")("a batch file", () => {
  let file: BatchFile;

  beforeEach(() => {
    file = BatchFile.open()!;
  });
  afterEach(() => file.close());

  it("gives every batch back as it was put, whatever order runs end in, in no more slots than runs at a time", () => {
    // After each batch, the runs at these places among those under way end.
    const steps = fc.array(fc.record({ data: batchData, ends: fc.array(fc.nat(), { maxLength: 2 }) }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(steps, (batches) => {
        const reader = new BatchReader(file.descriptor);
        const underWay = new Map<number, { place: BatchPlace; data: Uint8Array | Float32Array }>();
        const end = (run: number) => {
          file.free(run);
          underWay.delete(run);
        };
        let most = 0;
        for (const [run, { data, ends }] of batches.entries()) {
          underWay.set(run, { place: file.put(run, data)!, data });
          most = Math.max(most, underWay.size);
          for (const { place, data: put } of underWay.values()) {
            expect(reader.read(place)).toEqual(put);
            expect(place.slot).toBeLessThan(most);
          }
          for (const which of ends) end([...underWay.keys()][which % underWay.size] ?? run);
        }
        for (const run of underWay.keys()) end(run);
      }),
    );
  });

  it("has no name that could be left behind", () => {
    expect(fstatSync(file.descriptor).nlink).toBe(0);
  });
});

describe.runIf(process.platform === "linux")("a batch file without room", () => {
  it("takes nothing, and says so", () => {
    const full = new BatchFile(openSync("/dev/full", "w"));
    expect(full.put(0, new Uint8Array(4))).toBeUndefined();
    full.close();
  });
});
