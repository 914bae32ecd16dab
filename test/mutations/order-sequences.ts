/** Sound orders in the wrong order, the wrong number, or at the wrong time. */
import type { Directive } from '../../shared/rpc/generated/messages.ts';
import { directiveMessage } from './honest-answers.ts';
import {
  enabling,
  gateOf,
  isKilled,
  KILLS,
  killing,
  liveRunCount,
  OPENS,
  RUNS_LIVE,
  ruling,
  rulingsOf,
  runningLive,
  WAIVES,
} from './order-trials.ts';
import { deployOf, type Effect, INSTALLED_RUN, NEW_RUN, ROLLBACK } from './session-trials.ts';
import type { SignedOrders } from './signed-orders.ts';
import type { SignedRepository } from './signed-repository.ts';
import type { Seen, Trial } from './trial.ts';

interface Row {
  readonly mutation: string;
  readonly said: readonly Directive[];
  readonly isAsHonest?: Trial['isAsHonest'];
}

export function orderSequences(repository: SignedRepository, orders: SignedOrders): Trial[] {
  return [
    ...rows(OPENS, repeatedEnables(orders)),
    ...rows(OPENS, orderedAround(repository, orders)),
    ...rows(OPENS, killedAround(orders)),
    ...rows(KILLS, kills(orders)),
    ...rows(RUNS_LIVE, liveRuns(orders)),
    ...rows({ ...RUNS_LIVE, from: 'closed' }, [{ mutation: 'run live at a closed gate', said: [runningLive(orders)] }]),
    ...rows(WAIVES, rulings(orders)),
    ...rows({ ...OPENS, from: 'installed' }, [
      { mutation: 'an enable over an open gap', said: [enabling(orders.tooEarly)] },
      { mutation: 'an enable of after the waiver', said: [enabling(orders.spent)] },
    ]),
    ...rows({ ...OPENS, from: 'fresh' }, [
      { mutation: 'an enable of what is not there', said: [enabling(orders.enable)] },
    ]),
  ];
}

function rows(effect: Effect, all: readonly Row[]): Trial[] {
  return all.map(({ said, ...row }) => ({
    carrier: 'sequence',
    field: 'order of orders',
    ...effect,
    ...row,
    directiveCount: said.length,
    say: (seq) => said.map((directive, index) => directiveMessage(seq + index, directive)),
  }));
}

function repeatedEnables({ enable, enableAgain, spent }: SignedOrders): Row[] {
  return [
    { mutation: 'an enable twice', said: [enabling(enable), enabling(enable)], isAsHonest: isOpenAfterRefusal },
    {
      mutation: 'an enable twice, each with its proof',
      said: [enabling(enable), enabling(enableAgain)],
      isAsHonest: (host, seen) => gateOf(host)?.state === 'open' && isRefusedOnce(seen, 'order-replayed'),
    },
    {
      mutation: 'an enable behind a spent one',
      said: [enabling(spent), enabling(enable)],
      isAsHonest: isOpenAfterRefusal,
    },
    {
      mutation: 'an enable in front of a spent one',
      said: [enabling(enable), enabling(spent)],
      isAsHonest: isOpenAfterRefusal,
    },
  ];
}

function isOpenAfterRefusal(...[host, seen]: Parameters<Trial['isAsHonest']>): boolean {
  return gateOf(host)?.state === 'open' && isRefusedOnce(seen);
}

/** Runs and orders do not wait for each other: which of them is first is open, and what stands in the end is one of both. */
function orderedAround(repository: SignedRepository, { enable, waiver }: SignedOrders): Row[] {
  return [
    { mutation: 'an enable, and a rollback of what it is for', said: [enabling(enable), ROLLBACK] },
    { mutation: 'a rollback, and an enable of what it removes', said: [ROLLBACK, enabling(enable)] },
    { mutation: 'an enable, and a ruling', said: [enabling(enable), ruling(waiver)] },
    { mutation: 'an enable, and a deploy', said: [enabling(enable), deployOf(repository, NEW_RUN)] },
  ];
}

/** The gate of each ends closed by the kill, whatever else was said. */
function killedAround(orders: SignedOrders): Row[] {
  const { enable, spent } = orders;
  const [kill, isAsHonest] = [killing(orders), (...[host]: Parameters<Trial['isAsHonest']>) => isKilled(host, 1)];
  return [
    { mutation: 'a kill behind an enable', said: [enabling(enable), kill], isAsHonest },
    { mutation: 'a kill in front of an enable', said: [kill, enabling(enable)], isAsHonest },
    { mutation: 'a kill between an enable and itself', said: [enabling(enable), kill, enabling(enable)], isAsHonest },
    { mutation: 'a kill between two enables', said: [enabling(enable), kill, enabling(spent)], isAsHonest },
  ];
}

function kills(orders: SignedOrders): Row[] {
  const isOpen: Trial['isAsHonest'] = (host) => gateOf(host)?.state === 'open';
  const kill = killing(orders);
  const other: Directive = { kind: 'kill', kill: { ...orders.kill, app: 'other' } };
  const isOpenAnew: Trial['isAsHonest'] = (host) => gateOf(host)?.state === 'open' && gateOf(host)?.epoch === 2;
  return [
    { mutation: 'a kill twice', said: [kill, kill], isAsHonest: (host) => isKilled(host, 2) },
    { mutation: 'a kill ten times', said: Array(10).fill(kill), isAsHonest: (host) => isKilled(host, 10) },
    {
      mutation: 'a kill, then the order that it closed',
      said: [kill, enabling(orders.enableAgain)],
      isAsHonest: isOpen,
    },
    {
      mutation: 'a kill, then an order of after it',
      said: [kill, enabling(orders.enableAfterKill)],
      isAsHonest: isOpenAnew,
    },
    { mutation: 'a kill of another application', said: [other] },
    { mutation: 'the order of after a kill without the kill', said: [enabling(orders.enableAfterKill)] },
    { mutation: 'the order that has opened it, once more', said: [enabling(orders.enableAgain)] },
    { mutation: 'a rollback under an open gate', said: [ROLLBACK] },
  ];
}

function liveRuns(orders: SignedOrders): Row[] {
  const [live, kill] = [runningLive(orders), killing(orders)];
  const other: Directive = { kind: 'runLive', runLive: { ...orders.runLive, liveId: INSTALLED_RUN } };
  return [
    { mutation: 'run live twice under one id', said: [live, live], isAsHonest: hasRunOnce },
    { mutation: 'run live twice', said: [live, other], isAsHonest: (host) => liveRunCount(host) === 2 },
    { mutation: 'run live behind a kill', said: [kill, live] },
    { mutation: 'a kill behind run live', said: [live, kill], isAsHonest: (host) => isKilled(host, 1) },
  ];
}

function hasRunOnce(...[host, seen]: Parameters<Trial['isAsHonest']>): boolean {
  return liveRunCount(host) === 1 && isRefusedOnce(seen);
}

function rulings({ waiver }: SignedOrders): Row[] {
  const isOnce: Trial['isAsHonest'] = (host, seen) => rulingsOf(host).length === 2 && isRefusedOnce(seen);
  return [{ mutation: 'a ruling twice', said: [ruling(waiver), ruling(waiver)], isAsHonest: isOnce }];
}

function isRefusedOnce({ refusals }: Seen, code = ''): boolean {
  return refusals.length === 1 && refusals[0]?.startsWith(code) === true;
}
