import type { InferenceSession } from "onnxruntime-node";
import { UsageError, unknownValue } from "../errors.ts";
import type { Model } from "../onnx/index.ts";
import { openSession } from "./session.ts";

/** Where the steps of a training run are computed. */
export type Device = (typeof devices)[number];

const devices = ["cpu", "webgpu"] as const;

/** Throws UsageError for a device that is none of those known. */
export function checkDevice(device: string): void {
  if (!devices.some((known) => known === device)) throw new UsageError(unknownValue("device", device, devices));
}

/**
 * Opens a graph of a training step. On WebGPU, operators without a kernel there run on the CPU.
 *
 * @param bytes - of the model
 * @throws UsageError where WebGPU finds no adapter
 */
export async function openOn(
  device: Device,
  model: Model,
  bytes: Uint8Array,
  threads: number,
): Promise<InferenceSession> {
  /** Planning memory ahead holds nearly twice as much of it, and gains a few percent of speed. */
  const options = { intraOpNumThreads: threads, enableMemPattern: false };
  if (device === "cpu") return openSession(bytes, options);
  try {
    return await openSession(bytes, { ...options, executionProviders: [webgpu(model), "cpu"] });
  } catch (error) {
    if (!(error instanceof Error && /adapter/i.test(error.message))) throw error;
    throw new UsageError(
      'device "webgpu" needs a graphics adapter, and none was found here; install its Vulkan driver, or train on "cpu"',
      { cause: error },
    );
  }
}

/** Buffers that a shader may bind on every adapter. */
const shaderBuffers = 8;

/** WebGPU, but for cuts into more pieces than a shader can write. */
function webgpu({ graph }: Model): InferenceSession.WebGpuExecutionProviderOption {
  const cuts = graph.nodes.filter(({ op, outputs }) => op === "Split" && outputs.length >= shaderBuffers);
  return { name: "webgpu", preferredLayout: "NCHW", forceCpuNodeNames: cuts.map(({ name }) => name) };
}
