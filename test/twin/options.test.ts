import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { checkImage } from "../../src/twin/options.ts";

test("a stream of bytes is no image, though it can be read", () => {
  expect(() => checkImage(Readable.from([]))).toThrow(UsageError);
  expect(() => checkImage({ name: "a", read: async () => new Uint8Array() })).not.toThrow();
});
