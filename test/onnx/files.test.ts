import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InputError, ModelError } from "../../src/errors.ts";
import { decodeModel, encodeModel, float32, type Model, readModel, writeModel } from "../../src/onnx/index.ts";
import { residualNetwork, weights } from "./networks.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "twindnn-onnx-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const path = (name = "model.onnx"): string => join(folder, name);

/** The residual network encoded with its first weight in another file. */
function withExternal(location: string, offset: number, length?: number): Uint8Array {
  return encodeModel(residualNetwork(), (_, name) =>
    name === "weight" ? { tensor: name, location, offset, length } : undefined,
  );
}

test("a written model is read back the same", async () => {
  await writeModel(path(), residualNetwork());
  expect(readModel(path())).toEqual(residualNetwork());
  expect(readdirSync(folder)).toEqual(["model.onnx"]);
});

describe("external weights", () => {
  test("are written beyond a size, and read back the same by us and by ONNX Runtime", async () => {
    await writeModel(path(), residualNetwork(), { maxInlineBytes: 1000 });
    expect(readdirSync(folder).sort()).toEqual(["model.onnx", "model.onnx.data"]);
    expect(readModel(path())).toEqual(residualNetwork());
    await (await InferenceSession.create(path())).release();
  });

  test("are read from their offset, to their length or to the end of the file", () => {
    const bytes = new Uint8Array(weights([8, 3, 3, 3], 8).data.buffer);
    writeFileSync(path("w.bin"), Buffer.concat([Buffer.alloc(100), bytes]));
    for (const length of [bytes.length, undefined]) {
      writeFileSync(path(), withExternal("w.bin", 100, length));
      expect(readModel(path())).toEqual(residualNetwork());
    }
  });

  test.each(["../w.bin", "/etc/passwd", "sub/../../w.bin"])(
    "outside the model's folder are refused: %s",
    (location) => {
      writeFileSync(path(), withExternal(location, 0, 864));
      expect(() => readModel(path())).toThrow(/model.onnx: tensor "weight" points outside the model's folder/);
    },
  );

  test("that are missing or truncated are named", () => {
    writeFileSync(path(), withExternal("w.bin", 0, 864));
    expect(() => readModel(path())).toThrow(InputError);
    expect(() => readModel(path())).toThrow(/w.bin: .*copy them beside the model/);
    mkdirSync(path("w.bin"));
    expect(() => readModel(path())).toThrow(/w.bin: .*copy them beside the model/);
    rmdirSync(path("w.bin"));
    writeFileSync(path("w.bin"), new Uint8Array(863));
    expect(() => readModel(path())).toThrow(/w.bin: is truncated: tensor "weight" ends at 864 of 863 bytes/);
  });

  test("with an impossible range are refused", () => {
    writeFileSync(path("w.bin"), new Uint8Array(900));
    writeFileSync(path(), withExternal("w.bin", -4, 864));
    expect(() => readModel(path())).toThrow(/impossible range/);
  });

  test("of a model given as bytes are refused", () => {
    expect(() => decodeModel(withExternal("w.bin", 0))).toThrow(/read the model from its folder/);
  });
});

describe("writing fails with one clear line", () => {
  test("where the folder does not exist", async () => {
    await expect(writeModel(path("none/model.onnx"), residualNetwork())).rejects.toThrow(
      /none\/model.onnx: cannot be written \(ENOENT\)/,
    );
  });

  test.skipIf(!existsSync("/dev/full"))("where the disk is full, and leaves what was there", async () => {
    await writeModel(path(), residualNetwork());
    symlinkSync("/dev/full", `${path()}.${process.pid}.tmp`);
    await expect(writeModel(path(), large())).rejects.toThrow(/model.onnx: .*the disk is full/);
    expect(readModel(path())).toEqual(residualNetwork());
    expect(readdirSync(folder)).toEqual(["model.onnx"]);
  });
});

describe("a file that is no model is refused", () => {
  test("when it is missing, with its path", () => {
    expect(() => readModel(path("none.onnx"))).toThrow(/none.onnx: cannot be read/);
  });

  test("when it is empty, text, or truncated", async () => {
    writeFileSync(path("empty.onnx"), "");
    writeFileSync(path("text.onnx"), "this is no model, but a sentence");
    await writeModel(path("short.onnx"), residualNetwork());
    truncateSync(path("short.onnx"), statSync(path("short.onnx")).size - 10);
    for (const name of ["empty.onnx", "text.onnx", "short.onnx"]) {
      expect(() => readModel(path(name))).toThrow(ModelError);
      expect(() => readModel(path(name))).toThrow(name);
    }
  });
});

function large(): Model {
  const model = residualNetwork();
  model.graph.constants.set("large", float32(new Float32Array(2 ** 16)));
  return model;
}
