/** The tables of drills. */

/** An order that approvers signed to be refused by a host. */
export interface DrillOrderRow {
  app: string;
  host: string;
  /** What is wrong with it. */
  name: string;
  envelope: Buffer;
  /** With `head` and `epoch`: what a true order for that host would have been bound to. */
  run_id: string;
  head: string;
  epoch: number;
  evidence_index: number;
  /** Hashes of 32 bytes, one behind the other. */
  evidence_path: Buffer;
  prepared_at: number;
}

export interface DrillRow {
  id: string;
  kind: 'refusal' | 'kill';
  app: string;
  started_at: number;
}

/** One order of a drill to one host. */
export interface DrillOfferRow {
  drill_id: string;
  host: string;
  incarnation: number;
  /** What is wrong with it; `kill` in a kill drill. */
  name: string;
  /** Of a kill drill, from 1; else 0. */
  round: number;
  expected_code: string | null;
  /** Why it was not sent; null when it was. */
  not_run: string | null;
  order_sha256: string | null;
  document: Buffer | null;
  /** Of the directive. */
  seq: number | null;
  offered_at: number | null;
  durable_at: number | null;
  answered_at: number | null;
  answer: string | null;
  code: string | null;
  receipt: Buffer | null;
  /** The kill that closed the gate again, where the host had opened it. */
  closed_by: string | null;
}
