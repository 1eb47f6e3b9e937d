/**
 * The commands over HTTP, for programs and for the console. Everything below /api comes from the registry: one route
 * runs any command, the list and the OpenAPI document say which there are.
 *
 * A browser must not be made to speak for an administrator: there is no cookie, the bearer token is a header that no
 * foreign page can set without a preflight that nobody here answers, the Host must be one of ours (DNS rebinding), a
 * foreign Origin is refused, and only application/json is read. Loopback is no authentication.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from '../base/logger.ts';
import { isProblem, messageOf, Problem } from '../base/problem.ts';
import type { Command } from './command.ts';
import { adminLimits } from './limits.ts';
import { openApiDocument } from './open-api.ts';
import { parametersSchema } from './parameters.ts';
import { type AdminAnswer, registry } from './registry.ts';

export interface AdminApiOptions {
  /** Runs a command for a caller who has shown the token: with the role Server Administrator. */
  readonly execute: (command: string, parameters: Readonly<Record<string, unknown>>) => Promise<AdminAnswer>;
  /** SHA-256 of the bearer token, as hex: the server never needs the token itself. */
  readonly tokenSha256: string;
  /** Values of the header Host that are ours, with the port: `localhost:2080`. */
  readonly allowedHosts: readonly string[];
  readonly logger: Logger;
}

const statusOfProblem: Readonly<Record<string, number>> = {
  RequestInvalid: 400,
  ParameterInvalid: 400,
  CommandUnknown: 404,
  NotFound: 404,
  MailboxNotFound: 404,
  StorageGroupNotFound: 404,
  ClusteredMailboxServerNotFound: 404,
  Unauthorized: 401,
  PermissionDenied: 403,
  OriginRefused: 403,
  HostRefused: 421,
  MailboxExists: 409,
  MoveRefused: 409,
};

/** The app, not yet listening; `inject` and `listen` are Fastify's. */
export function createAdminApi(options: AdminApiOptions): FastifyInstance {
  const app = fastify({
    bodyLimit: adminLimits.requestBytes,
    requestTimeout: adminLimits.httpRequestTimeoutMs,
    forceCloseConnections: true,
    logger: false,
  });
  app.server.maxConnections = adminLimits.httpConnections;
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', (request, _reply, done) => {
    done(hostProblem(request, options.allowedHosts) ?? tokenProblem(request, options.tokenSha256));
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store');
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, options.logger));
  app.setNotFoundHandler(() => {
    throw new Problem('NotFound', 'Cannot find this page: there is none. GET / says what is here.');
  });
  addRoutes(app, options);
  return app;
}

function addRoutes(app: FastifyInstance, options: AdminApiOptions): void {
  app.get('/', async (_request, reply) => reply.type('text/plain; charset=utf-8').send(WELCOME));
  app.get('/health', async () => ({ status: 'ok' }));
  app.get('/openapi.json', async () => openApiDocument(registry.commands));
  app.get('/api/v1/commands', async () => registry.commands.map(describeCommand));
  app.post('/api/v1/commands/:name', async (request) => {
    const { name } = request.params as { name: string };
    return await options.execute(registry.find(name).name, bodyOf(request.body));
  });
}

const WELCOME = `Holdfast: administration over HTTP.

GET  /health                   whether this process answers
GET  /api/v1/commands          the commands, with their parameters
POST /api/v1/commands/<name>   runs one; the body is a JSON object of its parameters
GET  /openapi.json             the same as an OpenAPI document

All but / and /health want the header "Authorization: Bearer <token>"; the token lies in the file admin/token of the
folder in which the cluster was formed.
`;

/** Needs no token: it says nothing that a port scan does not. */
const openPaths: ReadonlySet<string> = new Set(['/', '/health']);

function hostProblem(request: FastifyRequest, allowed: readonly string[]): Problem | undefined {
  const host = request.headers.host?.toLowerCase();
  if (host === undefined || !allowed.includes(host)) {
    return new Problem('HostRefused', 'Cannot answer: the header Host does not name this server');
  }
  const { origin } = request.headers;
  if (origin === undefined || origin === `http://${host}` || origin === `https://${host}`) return undefined;
  return new Problem('OriginRefused', 'Cannot answer: the request comes from a page of another origin');
}

function tokenProblem(request: FastifyRequest, tokenSha256: string): Problem | undefined {
  if (request.method === 'GET' && openPaths.has(request.routeOptions.url ?? '')) return undefined;
  const shown = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const expected = Buffer.from(tokenSha256, 'hex');
  const digest = createHash('sha256').update(shown).digest();
  if (shown !== '' && digest.length === expected.length && timingSafeEqual(digest, expected)) return undefined;
  return new Problem('Unauthorized', 'Cannot answer: the bearer token is missing or wrong');
}

function bodyOf(body: unknown): Readonly<Record<string, unknown>> {
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return body as Record<string, unknown>;
  throw new Problem('RequestInvalid', 'Cannot run a command: the body is not a JSON object of its parameters');
}

function describeCommand(command: Command): object {
  const { name, synopsis, description, permission, columns, examples } = command;
  const changes = command.change !== undefined;
  return { name, synopsis, description, permission, changes, parameters: parametersSchema(command), columns, examples };
}

function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): FastifyReply {
  const { status, code, message, temporary } = errorOf(error);
  if (status === 500) logger.error({ url: request.url, reason: messageOf(error) }, 'request failed');
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.status(status).send({ error: { code, message, temporary } });
}

interface HttpError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly temporary: boolean;
}

function errorOf(error: unknown): HttpError {
  if (isProblem(error)) {
    const { code, message, temporary } = error;
    const known = Object.hasOwn(statusOfProblem, code) ? statusOfProblem[code] : undefined;
    return { status: known ?? (temporary ? 503 : 422), code, message, temporary };
  }
  // Fastify's own refusals (a body that is no JSON, too large, of another type) carry their status.
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) {
    return {
      status,
      code: 'RequestInvalid',
      message: `Cannot read the request: ${messageOf(error)}`,
      temporary: false,
    };
  }
  return {
    status: 500,
    code: 'Internal',
    message: 'Cannot answer: internal error; the log says more',
    temporary: true,
  };
}
