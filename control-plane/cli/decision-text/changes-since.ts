/**
 * What is new since an approver's last approval, so that a decision that looks like the last one is not taken for it. Pure.
 * An order's nonce, its reason and where its window lies are always new: they stand in the order's own lines.
 */
import { instantOf } from '../../../shared/orders/instant.ts';
import { visibleLine } from '../../../shared/visible-text.ts';
import type { ApprovalRecord, RecordedEntrypoint } from './approval-record.ts';
import { hostChanges } from './host-changes.ts';
import { argvText, durationText, pathsText, yesNo } from './plain-words.ts';

/** `previous` is undefined where nothing is remembered. */
export function changesSince(previous: ApprovalRecord | undefined, present: ApprovalRecord): string[] {
  if (!previous) return [visibleLine(`this key has approved nothing of ${present.app} on this machine before`)];
  const changes = [
    ...releaseChanges(previous, present),
    ...entrypointChanges(previous, present),
    ...longerOrShorter('window', previous.windowMs, present.windowMs),
    ...longerOrShorter('lease', previous.leaseMs, present.leaseMs),
    ...hostChanges(previous, present),
  ];
  const then = instantOf(previous.approvedAtMs);
  if (changes.length === 0) return [`nothing has changed since the approval of ${then}`];
  return [`since the approval of ${then}:`, ...changes.map((change) => visibleLine(`  ${change}`))];
}

function releaseChanges(previous: ApprovalRecord, present: ApprovalRecord): string[] {
  const isSameVersion = previous.version === present.version;
  const isSameTree = previous.treeDigest === present.treeDigest;
  const surprise = isSameVersion ? ', although the version is the same' : '';
  return [
    ...(isSameVersion ? [] : [`release: ${previous.version} -> ${present.version}`]),
    ...(isSameTree ? [] : [`tree: ${previous.treeDigest} -> ${present.treeDigest}${surprise}`]),
  ];
}

function entrypointChanges(previous: ApprovalRecord, present: ApprovalRecord): string[] {
  const then = new Map(previous.entrypoints.map((entrypoint) => [entrypoint.name, entrypoint]));
  const now = new Set(present.entrypoints.map(({ name }) => name));
  return [
    ...present.entrypoints.flatMap((entrypoint) => changesOf(then.get(entrypoint.name), entrypoint)),
    ...previous.entrypoints.filter(({ name }) => !now.has(name)).map(({ name }) => `entrypoint gone: ${name}`),
  ];
}

function changesOf(then: RecordedEntrypoint | undefined, now: RecordedEntrypoint): string[] {
  const what = `entrypoint ${now.name}`;
  if (!then) return [`entrypoint new: ${now.name}: ${now.runs ? argvText(now.runs.argv) : 'not known'}`];
  if (!then.runs && !now.runs) return [];
  if (!then.runs) return [`${what}: what it runs was not known then`];
  if (!now.runs) return [`${what}: what it runs is not known now`];
  return [
    ...difference(`${what}: argv`, argvText(then.runs.argv), argvText(now.runs.argv)),
    ...difference(`${what}: network`, yesNo(then.runs.network), yesNo(now.runs.network)),
    ...difference(`${what}: writable paths`, pathsText(then.runs.writable), pathsText(now.runs.writable)),
  ];
}

function longerOrShorter(what: string, thenMs: number, nowMs: number): string[] {
  if (thenMs === nowMs) return [];
  return [`${what}: ${durationText(thenMs)} -> ${durationText(nowMs)}, ${nowMs > thenMs ? 'longer' : 'shorter'}`];
}

function difference(what: string, then: string, now: string): string[] {
  return then === now ? [] : [`${what} ${then} -> ${now}`];
}
