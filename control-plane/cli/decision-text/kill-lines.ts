/** A kill order in plain words, for whoever is to sign it. Pure. */
import { instantOf } from '../../../shared/orders/instant.ts';
import type { KillOrder } from '../../../shared/orders/kill-order.ts';
import { visibleLine } from '../../../shared/visible-text.ts';
import { hostCountText } from './plain-words.ts';

export function killLines({ app, hosts, issuedAtMs, reason }: KillOrder): string[] {
  const lines = [
    `close the execution gate of ${app} on ${hosts === undefined ? 'every host' : hostCountText(hosts.length)}`,
    `  reason: ${reason}`,
    `  issued: ${instantOf(issuedAtMs)}; it never expires`,
    '  what runs is stopped, and no order to open that was signed before opens anything again',
    ...(hosts ?? []).map((host) => `  ${host}`),
  ];
  return lines.map(visibleLine);
}
