import { describe, expect, test } from "vitest";
import { attr, checkModel, describeModel, type Model, makeNode, problemsOf } from "../../src/onnx/index.ts";
import { computedReshape, residualNetwork, tokenNetwork, weights } from "./networks.ts";

test("a sound model has no problems", () => {
  for (const model of [residualNetwork(), tokenNetwork(), computedReshape()]) expect(problemsOf(model)).toEqual([]);
});

describe("a model is refused", () => {
  const cases: Record<string, [(model: Model) => unknown, string]> = {
    "with an operator set that is too old": [(model) => (model.opset = 9), "versions"],
    "with a format version that is too new": [(model) => (model.irVersion = 99), "versions"],
    "with a domain of unknown version": [(model) => (model.graph.nodes[0]!.domain = "com.microsoft"), "domains"],
    "with a value made twice": [({ graph }) => graph.nodes.push(graph.nodes[0]!), "single assignment"],
    "with a constant named as an input": [
      ({ graph }) => graph.constants.set("image", weights([1])),
      "single assignment",
    ],
    "with a node before what it reads": [({ graph }) => graph.nodes.unshift(graph.nodes.pop()!), "topological order"],
    "with a missing constant": [({ graph }) => graph.constants.delete("weight"), "topological order"],
    "with an output that nothing makes": [({ graph }) => graph.nodes.pop(), "outputs"],
    "with an attribute of another kind": [
      ({ graph }) => graph.nodes[0]!.attributes.set("pads", attr.float(1)),
      "attribute kinds",
    ],
  };
  for (const [what, [breakIt, rule]] of Object.entries(cases)) {
    test(what, () => {
      const model = residualNetwork();
      breakIt(model);
      expect(problemsOf(model).map((problem) => problem.rule)).toContain(rule);
      expect(() => checkModel(model)).toThrow(/breaks the ONNX standard/);
    });
  }
});

test("a subgraph may read outer values, and its missing ones are found", () => {
  const model = residualNetwork();
  const branch = { ...residualNetwork().graph, inputs: [], constants: new Map(), values: new Map() };
  branch.nodes = [makeNode("Relu", ["stem"], ["inner"])];
  branch.outputs = [{ name: "inner", type: "float32", shape: undefined }];
  const choice = makeNode("If", ["condition"], ["chosen"]);
  choice.attributes.set("then_branch", { kind: "graph", value: branch });
  model.graph.nodes.push(choice);
  expect(problemsOf(model).map(({ problem }) => problem)).toEqual([
    'node "chosen" (If) reads "condition", which nothing makes',
    'node "chosen" (If) reads "stem", which nothing makes',
  ]);
});

test("describeModel lists the interface, the operators and the layers' costs", () => {
  const description = describeModel(residualNetwork());
  expect(description).toMatchObject({
    opset: 17,
    inputs: [{ name: "image", shape: ["batch", 3, 8, 8] }],
    outputs: [{ name: "logits", shape: ["batch", 10] }],
    operators: { BatchNormalization: 2, Conv: 2, Identity: 2, Relu: 2, Add: 1 },
  });
  expect(description.cost.layers.length).toBe(residualNetwork().graph.nodes.length);
});
