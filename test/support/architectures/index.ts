import type { Model } from "../../../src/onnx/index.ts";
import { convnext } from "./convnext.ts";
import { densenet } from "./densenet.ts";
import { efficientnet } from "./efficientnet.ts";
import { keras } from "./keras.ts";
import { mobilenetV1, mobilenetV2, mobilenetV3 } from "./mobilenet.ts";
import { regnet } from "./regnet.ts";
import { resnetBasic, resnetBottleneck, resnetPadded } from "./resnet.ts";
import { shufflenetV2 } from "./shufflenet.ts";
import { squeezenet } from "./squeezenet.ts";
import { vgg } from "./vgg.ts";
import { vit, vitFused } from "./vit.ts";

/** Small networks of the shapes that classifiers have, with random weights from a seed, by name. */
export const architectures: Readonly<Record<string, (seed: number) => Model>> = {
  "resnet-basic": resnetBasic,
  "resnet-bottleneck": resnetBottleneck,
  "resnet-padded": resnetPadded,
  vgg,
  "mobilenet-v1": mobilenetV1,
  "mobilenet-v2": mobilenetV2,
  "mobilenet-v3": mobilenetV3,
  squeezenet,
  densenet,
  "shufflenet-v2": shufflenetV2,
  efficientnet,
  regnet,
  convnext,
  vit,
  "vit-fused": vitFused,
  keras,
};
