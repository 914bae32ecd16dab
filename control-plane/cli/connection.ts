/** A command's connection to the control plane: opened when it is needed, closed when the command ends. */
import type { Command } from 'commander';
import { systemCodeOf, TransientError } from '../../shared/errors.ts';
import type { Role } from '../../shared/rpc/peer-identity.ts';
import { Home } from './home.ts';
import type { Publisher } from './publication.ts';

export function homeOf(command: Command): Home {
  const home = new Home(command.optsWithGlobals().home as string);
  home.assertExists();
  return home;
}

/**
 * Runs `use` with a client of the given role. Errors: those of `use`; `TransientError` when nobody answers, within
 * seconds. gRPC is loaded here and not before: many commands do without.
 */
export async function withControlPlane<T>(
  command: Command,
  role: Role,
  use: (publisher: Publisher) => Promise<T>,
): Promise<T> {
  const home = homeOf(command);
  const operator = home.loadOperator(role);
  const { connectOperator, operatorTrustSource, reach } = await import('./client.ts');
  const client = connectOperator(operator);
  try {
    await reach(client, operator.address);
    return await use({ home, client, source: operatorTrustSource(client) });
  } catch (error) {
    if (error instanceof TransientError && error.hint === undefined && !isOfThisMachine(error))
      throw withHint(error, operator.address);
    throw error;
  } finally {
    client.close();
  }
}

/** A disk that is full is not helped by a control plane: the system's own codes are words, those of the wire numbers. */
function isOfThisMachine({ cause }: Error): boolean {
  return systemCodeOf(cause) !== undefined || (cause instanceof Error && isOfThisMachine(cause));
}

/** What the wire says is right and of little help to whoever has just mistyped a folder. */
function withHint(error: TransientError, address: string): TransientError {
  return new TransientError(error.message, {
    cause: error.cause,
    hint: `is the control plane of this ceremony running at ${address}? start it with \`keyturn serve\``,
  });
}
