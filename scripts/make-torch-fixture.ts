/**
 * Writes `fixtures/traces/torch-two-ranks/`: a small job of two ranks with one of everything a report shows. Rank 1
 * breaks at one more line. Run it after a change; a test compares the files with what it writes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { torchFixture } from '../test/torch/support/fixture.ts';

const folder = join(import.meta.dirname, '..', 'fixtures', 'traces', 'torch-two-ranks');
mkdirSync(folder, { recursive: true });
for (const [name, text] of torchFixture()) writeFileSync(join(folder, name), text);
