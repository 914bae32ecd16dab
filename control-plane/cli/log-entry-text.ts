/**
 * An entry of the log in one line for people. What it says is what the document claims: nothing of it is verified here, so it
 * decides nothing, and whoever shows it makes it safe to look at.
 */
import type { Json } from '../../shared/canonical-json.ts';
import { shortDigest } from '../../shared/digest.ts';
import { type ClaimedStatement, claimedStatement } from '../../shared/evidence/claimed-statement.ts';
import { readKillRecord } from '../../shared/orders/kill-record.ts';
import { isJsonArray, isJsonObject } from '../../shared/trust/strict-json.ts';

/** Members are left out where the document has none. */
export interface LogEntryClaim {
  readonly app?: string;
  readonly host?: string;
  readonly answer?: string;
  readonly code?: string;
  /** All of it, in a few words. */
  readonly about: string;
}

const LONGEST = 160;

export function logEntryClaim(kind: string, document: Uint8Array): LogEntryClaim {
  const record = kind === 'kill' ? readKillRecord(document) : undefined;
  if (record) {
    const { app, hosts, by, from, reason } = record;
    const where = hosts.length === 0 ? 'every host' : hosts.join(', ');
    const who = from === 'host' ? `${by} on the host itself` : by;
    return { app, ...oneHost(hosts), about: cut(`kill ${app} on ${where}, by ${who}: ${reason}`) };
  }
  const statement = claimedStatement(document);
  return statement ? claimOf(kind, statement) : { about: 'cannot be read' };
}

function claimOf(kind: string, { subject, predicate }: ClaimedStatement): LogEntryClaim {
  const text = (name: string) => textOf(predicate[name]);
  const app = text('app');
  const host = text('host');
  const common = { ...(app !== undefined && { app }), ...(host !== undefined && { host }) };
  switch (kind) {
    case 'enable':
    case 'approval':
      return { ...common, about: cut(`${enableText(kind, predicate)}: ${text('reason') ?? ''}`) };
    case 'kill':
      return { ...common, about: cut(`kill ${app ?? '?'}, signed: ${text('reason') ?? ''}`) };
    case 'ruling':
      return { ...common, about: cut(rulingText(text)) };
    case 'receipt': {
      const answer = text('answer');
      const code = text('code');
      const answered = { ...(answer !== undefined && { answer }), ...(code !== undefined && { code }) };
      const said = `${host ?? '?'} ${app ?? '?'} ${answer ?? '?'}${code === undefined ? '' : ` ${code}`}`;
      return { ...common, ...answered, about: cut(`${said}, to order ${shortDigest(subject.sha256)}`) };
    }
    default:
      return { ...common, about: cut(`${subject.name} on ${host ?? '?'}, run ${text('run') ?? '?'}`) };
  }
}

function enableText(kind: string, predicate: ClaimedStatement['predicate']): string {
  const { app, version, entrypoints, evidence } = predicate;
  const names = isJsonArray(entrypoints) ? entrypoints.map((name) => textOf(name) ?? '?').join(', ') : '?';
  const size = isJsonObject(evidence) && typeof evidence.size === 'number' ? evidence.size : '?';
  const hosts = size === 1 ? '1 host' : `${size} hosts`;
  return `${kind} ${textOf(app) ?? '?'}@${textOf(version) ?? '?'} (${names}) for ${hosts}`;
}

function rulingText(text: (name: string) => string | undefined): string {
  const where = text('stopGate') ?? text('check') ?? '?';
  return `${text('host') ?? '?'} ${text('decision') ?? '?'} ${where}: ${text('reason') ?? ''}`;
}

function oneHost(hosts: readonly string[]): { host?: string } {
  const [host] = hosts;
  return host !== undefined && hosts.length === 1 ? { host } : {};
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST - 3)}...`;
}
