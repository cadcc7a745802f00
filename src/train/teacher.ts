import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import type { Normalisation } from "../data/types.ts";
import { UsageError, unknownValue } from "../errors.ts";
import { GraphBuilder, inferValues, liftConstants, type Model } from "../onnx/index.ts";
import { emitNormalisation, inner, interfaceOf, prefixed } from "./forward.ts";
import { openSession } from "./session.ts";

/** A network to learn from that answers every training image as it is shown: moved, mirrored, mixed. */
export interface Teacher {
  /** One input [batch, C, H, W], one output [batch, classes] of logits. */
  readonly network: Model;
  /** How bytes become its inputs; default that of the network that learns. */
  readonly normalisation: Normalisation;
}

/**
 * Runs a teacher beside the training step, in a session of its own: ONNX Runtime then prepares its constant weights once and
 * keeps none of its activations, and a teacher of any operator set will do.
 */
export class TeacherSession implements AsyncDisposable {
  readonly #session: InferenceSession;
  readonly #logits: string;
  readonly #values: readonly string[];

  private constructor(session: InferenceSession, logits: string, values: readonly string[]) {
    this.#session = session;
    this.#logits = logits;
    this.#values = values;
  }

  /**
   * @param values - inner values to give beside the logits
   * @throws UsageError for a value that the teacher does not have
   */
  static async open(teacher: Teacher, values: readonly string[], threads: number): Promise<TeacherSession> {
    const model = teacherGraph(teacher, values);
    const session = await openSession(model, { intraOpNumThreads: threads });
    return new TeacherSession(session, model.graph.outputs[0]!.name, values);
  }

  /** The inputs `teacher` and `teacher/<value>` of a training graph. */
  async answer(images: OrtTensor): Promise<Record<string, OrtTensor>> {
    const results = await this.#session.run({ images });
    const values = this.#values.map((name) => [`teacher/${name}`, results[inner(name)]!] as const);
    return Object.fromEntries([["teacher", results[this.#logits]!] as const, ...values]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session.release();
  }
}

/** The teacher from bytes to logits and inner values. */
export function teacherGraph({ network, normalisation }: Teacher, values: readonly string[]): Model {
  const lifted = liftConstants(network);
  const known = [...inferValues(lifted, { lenient: true }).keys()];
  const unknown = values.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(unknownValue("value of the teacher", unknown, known));
  const graph = prefixed(lifted.graph);
  const { input, sizes } = interfaceOf(graph);
  const b = new GraphBuilder(graph.name);
  b.input("images", "uint8", ["batch", ...sizes]);
  emitNormalisation(b, normalisation, input);
  b.graph.nodes.push(...graph.nodes);
  for (const [name, tensor] of graph.constants) b.graph.constants.set(name, tensor);
  b.output(graph.outputs[0]!.name, "float32", undefined);
  for (const name of values) b.output(inner(name), "float32", undefined);
  return { ...lifted, graph: b.graph };
}
