/** Where a report set goes. */
import { messageOf } from '../../../shared/errors.ts';
import type { ReportFile } from '../render/report-file.ts';

export interface ReportSet {
  readonly app: string;
  readonly version: string;
  readonly run: string;
  readonly host: string;
  readonly files: readonly ReportFile[];
}

export interface ReportSink {
  readonly kind: string;
  /** For people and receipts: without credentials. */
  readonly location: string;
  /**
   * Takes the whole set, and may be asked again with the same set: the outcome is then the same. Throws when it could
   * not; some files may have arrived.
   */
  take(set: ReportSet): Promise<void>;
}

/** What became of a set at one sink; the observation of G8 holds all but the reason. */
export interface SinkReceipt {
  readonly kind: string;
  readonly location: string;
  readonly ok: boolean;
  readonly reason: string | undefined;
}

/** Offers the set to every sink; one that fails stops none of the others. Never throws for a sink. */
export async function publish(set: ReportSet, sinks: readonly ReportSink[]): Promise<SinkReceipt[]> {
  return Promise.all(sinks.map((sink) => publishTo(sink, set)));
}

async function publishTo(sink: ReportSink, set: ReportSet): Promise<SinkReceipt> {
  const { kind, location } = sink;
  try {
    await sink.take(set);
    return { kind, location, ok: true, reason: undefined };
  } catch (error) {
    // Whatever a sink throws is its receipt: the verdict of G8 depends on it, the other sinks do not.
    return { kind, location, ok: false, reason: messageOf(error) };
  }
}
