/**
 * The tables. Instants are milliseconds since 1970; bytes are exactly what a peer sent. Nothing here is particular to
 * one database: texts, whole numbers, bytes, and keys.
 */
import type { Kysely } from 'kysely';
import type { DrillOfferRow, DrillOrderRow, DrillRow } from './drill-schema.ts';

export interface Schema {
  hosts: HostRow;
  host_keys: HostKeyRow;
  join_tokens: JoinTokenRow;
  certificates: CertificateRow;
  directives: DirectiveRow;
  inbox_positions: InboxPositionRow;
  refused_reports: RefusedReportRow;
  runs: RunRow;
  ledger_entries: LedgerEntryRow;
  ledger_heads: LedgerHeadRow;
  publication: PublicationRow;
  metadata_files: MetadataFileRow;
  targets: TargetRow;
  report_documents: ReportDocumentRow;
  log_records: LogRecordRow;
  log_nodes: LogNodeRow;
  orders: OrderRow;
  order_hosts: OrderHostRow;
  order_receipts: OrderReceiptRow;
  gates: GateRow;
  decisions: DecisionRow;
  live_runs: LiveRunRow;
  drill_orders: DrillOrderRow;
  drills: DrillRow;
  drill_rows: DrillOfferRow;
}

/** The database, or a transaction in it. */
export type Store = Kysely<Schema>;

export interface HostRow {
  name: string;
  created_at: number;
  enrolled_at: number | null;
  revoked_at: number | null;
  /** Counts the ledger keys that the host had: with a new one it begins a new life, with empty logs. */
  incarnation: number;
  last_seen_at: number | null;
  clock_at: number | null;
  agent_version: string | null;
}

export interface HostKeyRow {
  host: string;
  incarnation: number;
  /** SPKI PEM. */
  ledger_public_key: string;
  registered_at: number;
}

export interface JoinTokenRow {
  /** SHA-256 of the token; the token itself is kept nowhere. */
  sha256: string;
  host: string;
  created_at: number;
  expires_at: number;
  used_at: number | null;
}

export interface CertificateRow {
  serial: string;
  kind: 'host' | 'operator' | 'server';
  /** The name of the host or the operator. */
  subject: string;
  /** Of an operator; null for others, and where it was not written down. */
  role: string | null;
  issued_at: number;
  expires_at: number;
  revoked_at: number | null;
}

export interface DirectiveRow {
  host: string;
  incarnation: number;
  /** From 1, without a gap. */
  seq: number;
  /** The run, the live run, or the digest of the order that it is about. */
  run_id: string;
  kind: 'deploy' | 'rollback' | 'recordReport' | 'enable' | 'kill' | 'ruling' | 'runLive';
  bytes: Buffer;
  created_at: number;
  /** What the host decided: `accepted` or its refusal code; null while unknown. */
  outcome: string | null;
}

export interface InboxPositionRow {
  host: string;
  incarnation: number;
  /** The highest id of the host's outbox that is durable here. */
  position: number;
}

/** A report that was acknowledged without being believed: kept as it came, so that nothing acknowledged is lost. */
export interface RefusedReportRow {
  host: string;
  incarnation: number;
  /** In the host's outbox. */
  id: number;
  /** Why it was refused. */
  code: string;
  bytes: Buffer;
  received_at: number;
}

export interface RunRow {
  id: string;
  host: string;
  incarnation: number;
  app: string;
  version: string;
  target_path: string;
  statement_sha256: string;
  /** The last phase in its ledger; `queued` before the first entry. */
  phase: string;
  refusal_code: string | null;
  created_at: number;
  entry_count: number;
  /** 1 once it has put its path into place, 0 before. */
  has_promoted: number;
}

export interface LedgerEntryRow {
  run_id: string;
  seq: number;
  digest: string;
  bytes: Buffer;
}

/** The newest head of a ledger. */
export interface LedgerHeadRow {
  run_id: string;
  size: number;
  envelope: Buffer;
}

/** One row: which versions are published together. */
export interface PublicationRow {
  id: number;
  root: number;
  timestamp: number;
  snapshot: number;
  targets: number;
}

export interface MetadataFileRow {
  /** As in the repository: `2.root.json`, `timestamp.json`. */
  name: string;
  content: Buffer;
  published_at: number;
}

export interface TargetRow {
  path: string;
  sha256: string;
  content: Buffer;
  published_at: number;
}

export interface ReportDocumentRow {
  run_id: string;
  name: string;
  sha256: string;
  content: Buffer;
}

export interface LogRecordRow {
  /** From 0, without a gap. */
  position: number;
  kind: string;
  sha256: string;
  /** What the record is of, byte for byte. */
  document: Buffer;
  logged_at: number;
}

/** The hash over the leaves from `position * 2^level` on, `2^level` of them. */
export interface LogNodeRow {
  level: number;
  position: number;
  hash: Buffer;
}

/** An order that was sent, as it is in the log. */
export interface OrderRow {
  sha256: string;
  kind: 'enable' | 'kill' | 'ruling';
  app: string;
  document: Buffer;
  ordered_at: number;
}

/** A host that an order was sent to. */
export interface OrderHostRow {
  order_sha256: string;
  host: string;
  incarnation: number;
  /** Of the directive. */
  seq: number;
  /** When the host had acknowledged it; null while it has not. */
  delivered_at: number | null;
}

/** What a host answered, verified. */
export interface OrderReceiptRow {
  order_sha256: string;
  host: string;
  answer: string;
  envelope: Buffer;
  received_at: number;
}

/** The gate of an application on a host, as the host told it last. */
export interface GateRow {
  host: string;
  incarnation: number;
  app: string;
  epoch: number;
  /** How many entries of the log the host has seen; 0 for none. */
  log_size: number;
  /** What the receipt answers. */
  document: Buffer;
  receipt: Buffer;
  received_at: number;
}

/** Something that people are to sign. */
export interface DecisionRow {
  /** The digest of what is signed. */
  id: string;
  kind: string;
  title: string;
  /** With the signatures so far. */
  document: Buffer;
  signature_count: number;
  submitted_at: number;
  sent_at: number | null;
}

export interface LiveRunRow {
  id: string;
  host: string;
  incarnation: number;
  app: string;
  entrypoint: string;
  created_at: number;
  /** What the host said last; null while it has said nothing. */
  envelope: Buffer | null;
  /** 1 once it has ended or was refused. */
  is_over: number;
  refusal_code: string | null;
}
