// Needs: ONNX Runtime.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ModelError, UnsupportedOperatorError } from "../../src/errors.ts";
import { encodeModel, int64, type Model, makeNode } from "../../src/onnx/index.ts";
import { admitNetwork } from "../../src/twin/admit.ts";
import { classifier } from "../support/models.ts";
import { scratch } from "../support/twins.ts";

const { path: folder, remove } = scratch();
beforeAll(() => mkdirSync(folder, { recursive: true }));
afterAll(remove);

/** The classifier with a node between its logits and its output. */
function ending(node: { op: string; domain?: string; constants?: Model["graph"]["constants"] }, batch?: number): Model {
  const model = classifier({ seed: 1, ...(batch && { batch }) });
  const { graph } = model;
  const [last, extra] = [graph.nodes.at(-1)!, [...(node.constants?.keys() ?? [])]];
  const [output] = last.outputs as [string];
  last.outputs = ["before"];
  const attributes = node.op === "ReduceMean" ? { axes: [0], keepdims: 1 } : {};
  graph.nodes.push({
    ...makeNode(node.op, ["before", ...extra], [output], attributes),
    name: "end",
    domain: node.domain ?? "",
  });
  for (const [name, tensor] of node.constants ?? []) graph.constants.set(name, tensor);
  if (node.domain !== undefined) model.otherOpsets.set(node.domain, 1);
  return model;
}

async function refusal(name: string, model: Model): Promise<ModelError> {
  const path = join(folder, name);
  writeFileSync(path, encodeModel(model));
  return await admitNetwork(path, "original.onnx").then(
    () => expect.fail("the model was taken"),
    (error: unknown) => error as ModelError,
  );
}

describe("a network that cannot answer is refused in one plain line that names its file", () => {
  const target = new Map([["target", int64([7, 4])]]);
  const cases: readonly [name: string, model: Model, message: RegExp][] = [
    ["an operator set too new", { ...classifier({ seed: 1 }), opset: 27 }, /operator set 27 is outside the supported/],
    ["a format too new", { ...classifier({ seed: 1 }), irVersion: 99 }, /format version 99 is newer/],
    ["a run that fails", ending({ op: "Reshape", constants: target }), /refuses to run it: .*"?Reshape/],
    ["one row for four images", ending({ op: "ReduceMean" }, 4), /gives \[1, 4\] for a batch of 4, .*\[4, 4\]/],
    ["an unknown operator", ending({ op: "Bar" }), /operator Bar \(node "end"\): ONNX Runtime knows no such operator/],
    ["a custom domain", ending({ op: "Foo", domain: "custom" }), /operator Foo \(node "end"\): .*domain "custom"/],
  ];

  test.each(cases)("%s", async (name, model, message) => {
    const error = await refusal(`${name}.onnx`, model);
    expect(error).toMatchObject({ code: expect.stringMatching(/^(model|unsupported-operator)$/) });
    expect(error.message.startsWith(join(folder, `${name}.onnx: `))).toBe(true);
    expect(error.message).toMatch(message);
    expect(error.message).toBe(stripVTControlCharacters(error.message));
    expect(error.message).not.toMatch(/\n|onnxruntime_src/);
  });

  test("an operator that is not known keeps its name and its node", async () => {
    const error = await refusal("custom.onnx", ending({ op: "Foo", domain: "custom" }));
    expect(error).toBeInstanceOf(UnsupportedOperatorError);
    expect(error).toMatchObject({ operator: "Foo", node: "end" });
  });
});

test("a network of a fixed batch that answers each of its images is taken", async () => {
  const path = join(folder, "fixed.onnx");
  writeFileSync(path, encodeModel(classifier({ seed: 1, batch: 4 })));
  expect((await admitNetwork(path, "original.onnx")).entry.output.classes).toBe(4);
});
