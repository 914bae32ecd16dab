/** A command's connection to the control plane: opened when it is needed, closed when the command ends. */
import type { Command } from 'commander';
import type { Role } from '../../shared/rpc/peer-identity.ts';
import { Home } from './home.ts';
import type { Publisher } from './publication.ts';

export function homeOf(command: Command): Home {
  const home = new Home(command.optsWithGlobals().home as string);
  home.assertExists();
  return home;
}

/** Runs `use` with a client of the given role. gRPC is loaded here and not before: most commands do without. */
export async function withControlPlane<T>(
  command: Command,
  role: Role,
  use: (publisher: Publisher) => Promise<T>,
): Promise<T> {
  const home = homeOf(command);
  const { connectOperator, operatorTrustSource } = await import('./client.ts');
  const client = connectOperator(home.loadOperator(role));
  try {
    return await use({ home, client, source: operatorTrustSource(client) });
  } finally {
    client.close();
  }
}
