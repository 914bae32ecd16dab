/** The examinations' way to the control plane: dialed by the first that asks, shared by all, closed by the doctor. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { TransientError } from '../../../shared/errors.ts';
import type { Role } from '../../../shared/rpc/peer-identity.ts';
import type { Diagnosis } from '../../../shared/service/doctor/examination.ts';
import type { TrustSource } from '../../../shared/trust/source.ts';
import type { OperatorClient } from '../client.ts';
import type { Home, OperatorFile } from '../home.ts';

/** Together less than an examination may take, so that it still has the time to say so. */
const CONNECT_MS = 1_000;
const ANSWER_MS = 800;

/** Whoever may only look is enough for everything that is looked at. */
const PREFERENCE: readonly Role[] = ['viewer', 'operator', 'releaser'];

interface Open {
  readonly client: OperatorClient;
  readonly source: TrustSource;
  /** Nobody has taken the connection in time. */
  readonly isSilent: boolean;
}

export class ControlPlaneDoor {
  readonly #home: Home;
  #open: Promise<Open | undefined> | undefined;

  constructor(home: Home) {
    this.#home = home;
  }

  /** What the control plane answers, or why it could not be asked. Errors: those of `ask`, but for `TransientError`. */
  async ask<T>(ask: (open: Open) => Promise<T>): Promise<{ readonly answer: T } | { readonly diagnosis: Diagnosis }> {
    const open = await this.#dialed();
    if (open === undefined)
      return { diagnosis: unasked('there is no client certificate in this home that can be used') };
    if (open.isSilent) return { diagnosis: NO_ANSWER };
    try {
      return { answer: await ask(open) };
    } catch (error) {
      if (error instanceof TransientError) return { diagnosis: NO_ANSWER };
      throw error;
    }
  }

  async close(): Promise<void> {
    // Whoever asked has heard why it could not be opened.
    const open = await this.#open?.catch(() => undefined);
    open?.client.close();
  }

  #dialed(): Promise<Open | undefined> {
    this.#open ??= this.#dial();
    return this.#open;
  }

  async #dial(): Promise<Open | undefined> {
    const operator = usableOperators(this.#home)[0]?.operator;
    if (operator === undefined) return undefined;
    const { connectOperator, operatorTrustSource } = await import('../client.ts');
    const client = connectOperator({ ...operator, answerMs: ANSWER_MS });
    const late = AbortSignal.timeout(CONNECT_MS);
    await client.connect(late);
    return { client, source: operatorTrustSource(client), isSilent: late.aborted };
  }
}

/**
 * Those that can be dialed with: what is in force comes first, then the least mighty. What is wrong with the others is examined
 * elsewhere.
 */
export function usableOperators(home: Home): { readonly role: Role; readonly operator: OperatorFile }[] {
  const usable = PREFERENCE.flatMap((role) => {
    try {
      const operator = home.loadOperator(role);
      const certificate = new X509Certificate(operator.certificate);
      if (!certificate.checkPrivateKey(createPrivateKey(operator.privateKey))) return [];
      return [{ role, operator, isInForce: Date.parse(certificate.validTo) > Date.now() }];
    } catch {
      return []; // missing, malformed or open to others: the examination of certificates says which
    }
  });
  return usable.toSorted((one, other) => Number(other.isInForce) - Number(one.isInForce));
}

function unasked(reason: string): Diagnosis {
  return { level: 'warning', statement: `not examined: ${reason}` };
}

const NO_ANSWER = unasked('the control plane does not answer');
