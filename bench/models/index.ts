/** All benchmark programs, in the order of the tables. */
import { bertEncoder } from './bert-encoder.ts';
import type { BenchModel } from './define-model.ts';
import { gptBlock } from './gpt-block.ts';
import { lstmText } from './lstm-text.ts';
import { mobilenetV1 } from './mobilenet-v1.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { resnet50 } from './resnet50.ts';
import { lstmTraining, mlpTraining, mnistConvTraining, transformerTraining } from './training.ts';

export const benchModels: readonly BenchModel[] = [
  mobilenetV1,
  mobilenetV2,
  resnet50,
  bertEncoder,
  gptBlock,
  lstmText,
  mnistConvTraining,
  mlpTraining,
  lstmTraining,
  transformerTraining,
];
