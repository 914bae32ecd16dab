/** The link of an agent, joined to its journal and its log. */
import { messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/service/service-log.ts';
import { AGENT_VERSION } from '../host/host-config.ts';
import { Link, type LinkState } from '../link/link.ts';
import type { Foundations, WaitingParts } from './agent-foundations.ts';

export function buildLink(
  { config, clock, random, log }: Foundations,
  { identity, directives, outbox, wakeup, orderWakeup, trustHints }: WaitingParts,
): Link {
  return new Link({
    host: config.host,
    address: config.gateway,
    identity,
    inbox: directives,
    outbox,
    agentVersion: AGENT_VERSION,
    clock,
    random,
    onState: (state) => {
      tellState(log, state);
      wakeup.wake();
      orderWakeup.wake();
    },
    // Every admission refreshes by itself; only what is open has to hear of it.
    onTrustHint: () => trustHints.tell(),
    onTrouble: (error) => log.warn({ reason: messageOf(error) }, 'link trouble'),
  });
}

/** A link that is closed for good says why, and what to do. */
function tellState(log: Logger, state: LinkState): void {
  const error = state.name === 'closed' ? state.error : undefined;
  if (error) log.error({ link: state.name, code: error.code, reason: error.message, hint: error.hint }, 'link');
  else log.info({ link: state.name }, 'link');
}
