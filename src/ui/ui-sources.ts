/** What the UI may ask of the outside, handed to `mount` by who opens it. All of it may be slow; the UI waits for none. */
import type { ArtifactReport } from '../explain/report.ts';

export interface UiSources {
  /** The text of an artifact that the report only points to; `undefined` when it is gone. */
  loadText(artifact: ArtifactReport): Promise<string | undefined>;
}
