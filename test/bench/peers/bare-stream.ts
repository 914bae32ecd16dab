/** Node's bare mTLS loopback stream: what this runtime moves when it does nothing else. */
import { join } from 'node:path';
import { RelayProcess } from '../measure/relay-process.ts';
import { plainEnvironment, runCommand } from '../measure/run-command.ts';
import { ServiceProcess } from '../measure/service-process.ts';

const PROGRAM = join(import.meta.dirname, '..', 'measure', 'bare-stream.ts');

export interface BareStreamOptions {
  /** The Node of the programs that it is compared with. */
  readonly node: string;
  /** From `makeCertificates`. */
  readonly certificates: string;
  readonly bytes: number;
  /** A relay with this delay each way stands in between; none unless said. */
  readonly delayMs?: number;
}

/** Milliseconds from the request to the last byte; the connection stands before. */
export async function bareStreamMs({ node, certificates, bytes, delayMs }: BareStreamOptions): Promise<number> {
  const argv = (role: string) => [node, PROGRAM, role, certificates, String(bytes)];
  const env = plainEnvironment(certificates);
  await using server = new ServiceProcess(argv('serve'), { env, log: join(certificates, 'bare-stream.log') });
  const port = await server.nextLine();
  await using relay = delayMs === undefined ? undefined : await RelayProcess.start({ port: Number(port), delayMs });
  const { stdout } = await runCommand([...argv('receive'), relay ? String(relay.port) : port], { env });
  return Number(stdout);
}
