/**
 * An enable order in plain words, for whoever is to sign it: what would run, where, from when to when, and what was proven
 * there. Pure. Each line is made visible as a whole, so that nothing that others wrote can pass for a line of ours.
 */
import type { SubGapRow } from '../../../shared/ledger/derive.ts';
import type { VerifiedLedger } from '../../../shared/ledger/ledger-bundle.ts';
import type { EnableOrder } from '../../../shared/orders/enable-order.ts';
import { instantOf } from '../../../shared/orders/instant.ts';
import { readinessOf, whatIsMissing } from '../../../shared/orders/readiness.ts';
import type { Plan } from '../../../shared/release/plan.ts';
import { visibleLine } from '../../../shared/visible-text.ts';
import { verdictWords } from '../ledger-table.ts';
import type { DecisionHost, EnableDecision } from './enable-decision.ts';
import { argvText, durationText, hostCountText, pathsText, yesNo } from './plain-words.ts';
import { testCountTexts } from './test-count-text.ts';

/** `nowMs`: whether the window is over and whether a host is ready are questions of when one asks. */
export function enableLines({ order, hosts, plan }: EnableDecision, nowMs: number): string[] {
  const lines = [
    ...orderLines(order, nowMs),
    'what would run',
    ...order.entrypoints.flatMap((name) => entrypointLines(name, plan)),
    'what was proven, and where',
    ...hosts.flatMap((host) => hostLines(host, nowMs)),
  ];
  return lines.map(visibleLine);
}

function orderLines(order: EnableOrder, nowMs: number): string[] {
  const { app, version, treeDigest, evidence, reason, notBeforeMs, expiresMs, leaseMs, issuedAtMs, nonce } = order;
  const isOver = nowMs >= expiresMs ? ', which is over' : '';
  return [
    `open the execution gate of ${app}@${version} on ${hostCountText(evidence.size)}`,
    `  reason: ${reason}`,
    `  window: ${instantOf(notBeforeMs)} to ${instantOf(expiresMs)}, ${durationText(expiresMs - notBeforeMs)}${isOver}`,
    `  lease: ${durationText(leaseMs)} after a host was last in touch, its gate closes`,
    `  tree: ${treeDigest}`,
    `  issued: ${instantOf(issuedAtMs)}, nonce ${nonce}`,
  ];
}

function entrypointLines(name: string, plan: Plan | undefined): string[] {
  const entrypoint = plan?.entrypoints[name];
  if (!entrypoint) return [`  ${name}: not known, as no evidence is carried`];
  const { argv, network, writable, stopGates, secrets = [], schedule } = entrypoint;
  return [
    `  ${name}: ${argvText(argv)}`,
    `    network: ${yesNo(network)}`,
    `    writable paths: ${pathsText(writable)}`,
    ...(secrets.length === 0 ? [] : [`    secrets: ${secrets.join(', ')}`]),
    ...(schedule === undefined ? [] : [`    starts by itself: ${schedule} (UTC)`]),
    ...(stopGates.length === 0 ? [] : [`    stop gates: ${stopGates.join(', ')}`]),
  ];
}

function hostLines({ leaf, ledger }: DecisionHost, nowMs: number): string[] {
  const { host, run, head, epoch } = leaf;
  const bound = `    bound to: run ${run}, head ${head}, epoch ${epoch}`;
  if (!ledger) return [`  ${host}: its evidence is not carried; nothing is known here of what was proven`, bound];
  const { verdict, gates, subGaps } = ledger.summary;
  return [
    `  ${host}: verdict ${verdict}: ${verdictWords(verdict)}`,
    bound,
    `    gates: ${gates.map(({ gate, status }) => `${gate} ${status}`).join(', ')}`,
    ...testCountTexts(ledger.summary).map((text) => `    tests: ${text}`),
    ...subGaps.flatMap(subGapLines),
    ...readinessLines(ledger, nowMs),
  ];
}

function subGapLines({ id, statement, owner, route, accepted, expiresAt }: SubGapRow): string[] {
  const standing = accepted ? `accepted until ${expiresAt}` : 'not accepted by the policy';
  return [`    not proven: ${id}: ${statement}`, `      ${standing}, owner ${owner}, route ${route}`];
}

function readinessLines(ledger: VerifiedLedger, nowMs: number): string[] {
  const readiness = readinessOf(ledger, nowMs);
  const missing = whatIsMissing(readiness);
  if (missing.length === 0) return [`    ready: all of ${readiness.rows.length} criteria are met`];
  return missing.map((what) => `    NOT READY: ${what}`);
}
