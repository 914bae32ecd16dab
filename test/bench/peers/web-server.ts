/** An nginx of its own: TLS 1.3, client certificate required, one worker, files from one folder. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../../scripts/demo/programs.ts';
import { plainEnvironment } from '../measure/run-command.ts';
import { ServiceProcess } from '../measure/service-process.ts';
import { PEER_PROGRAMS, requirePeers } from './packages.ts';
import { answers } from './ssh-server.ts';

export interface WebServerOptions {
  readonly folder: string;
  /** From `makeCertificates`. */
  readonly certificates: string;
  /** Whose files are served. */
  readonly content: string;
}

export class WebServer implements AsyncDisposable {
  readonly port: number;
  readonly certificates: string;
  readonly #service: ServiceProcess;

  private constructor(parts: { port: number; certificates: string; service: ServiceProcess }) {
    this.port = parts.port;
    this.certificates = parts.certificates;
    this.#service = parts.service;
  }

  static async start({ folder, certificates, content }: WebServerOptions): Promise<WebServer> {
    requirePeers(['nginx', 'curl', 'openssl']);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const [port] = await freePorts();
    const config = join(folder, 'nginx.conf');
    writeFileSync(config, configText({ folder, certificates, content, port }));
    const argv = [PEER_PROGRAMS.nginx.command, '-p', folder, '-e', join(folder, 'error.log'), '-c', config];
    const service = new ServiceProcess(argv, { env: plainEnvironment(folder), log: join(folder, 'nginx.log') });
    await service.until(() => answers(port));
    return new WebServer({ port, certificates, service });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]();
  }
}

function configText({ folder, certificates, content, port }: WebServerOptions & { port: number }): string {
  const isRoot = process.getuid?.() === 0;
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
    ${isRoot ? `user ${userInfo().username};` : ''}
    daemon off;
    worker_processes 1;
    pid ${join(folder, 'nginx.pid')};
    events { worker_connections 64; }
    http {
      access_log off;
      sendfile on;
      tcp_nopush on;
      ${temporary.map((name) => `${name}_temp_path ${join(folder, name)};`).join('\n')}
      server {
        listen 127.0.0.1:${port} ssl;
        ssl_protocols TLSv1.3;
        ssl_certificate ${join(certificates, 'server.crt')};
        ssl_certificate_key ${join(certificates, 'server.key')};
        ssl_client_certificate ${join(certificates, 'ca.crt')};
        ssl_verify_client on;
        root ${content};
      }
    }
`;
}
