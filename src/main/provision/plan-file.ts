/**
 * The plan of a cluster that is to be formed, as an administrator writes it: one YAML file with what nobody but its writer can know.
 * Everything else (ports, ids, certificates) follows from it. What it says of networks is what holdfast.yaml says.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, Problem } from '../../base/problem.ts';
import { hostNameSchema, networkSchema, rolesSchema } from '../../host/config.ts';
import type { ClusterSpecification } from '../form-cluster.ts';

/** So that every port stays one. */
const HIGHEST_BASE_PORT = 60_000;

const planSchema = z.strictObject({
  cluster: hostNameSchema,
  server: hostNameSchema,
  storageGroups: z.array(z.string().min(1).max(64)).min(1).max(16).default(['First Storage Group']),
  mode: z.enum(['sync', 'sync-strict', 'async']).default('sync'),
  acceptedDomains: z.array(z.string().min(1).max(253)).min(1),
  hosts: z
    .array(z.strictObject({ name: hostNameSchema, roles: rolesSchema.min(1), address: z.string().min(1) }))
    .min(1)
    .max(16),
  networks: z.array(networkSchema).min(1).max(8).optional(),
  /** A directory that every host reaches by this path, or a host with the role witness; none with an odd number of nodes. */
  witness: z
    .union([z.strictObject({ share: z.string().startsWith('/') }), z.strictObject({ host: hostNameSchema })])
    .optional(),
  /** Added to every port; 0 = the well-known ones. */
  basePort: z.int().min(0).max(HIGHEST_BASE_PORT).default(0),
  allowPlaintextLogin: z.boolean().default(false),
});

/** Problem('PlanUnreadable' | 'PlanInvalid') */
export function readPlan(path: string): ClusterSpecification {
  const plan = parsePlan(readText(path), path);
  const { cluster, witness, networks, ...same } = plan;
  const specification = { ...same, clusterName: cluster, ...(networks === undefined ? {} : { networks }) };
  if (witness === undefined) return { ...specification, witness: 'none' };
  if ('host' in witness) {
    mustBeWitness(plan.hosts, witness.host, path);
    return { ...specification, witness: 'process' };
  }
  if (existsSync(witness.share) && statSync(witness.share).isDirectory()) {
    return { ...specification, witness: 'share', witnessShare: witness.share };
  }
  throw invalid(
    path,
    `witness.share: ${witness.share} is not a directory here. Mount it on this machine too, by the path that the hosts use`,
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem('PlanUnreadable', `Cannot read the plan ${path}: ${messageOf(error)}. Give the right file.`, {
      cause: error,
    });
  }
}

function parsePlan(text: string, path: string): z.infer<typeof planSchema> {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw invalid(path, `it is not YAML (${messageOf(error).split('\n')[0]})`);
  }
  const result = planSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalid(path, `${issue?.path.join('.') || 'the whole file'}: ${issue?.message ?? 'invalid'}`);
}

function mustBeWitness(hosts: ClusterSpecification['hosts'], name: string, path: string): void {
  const witnesses = hosts.filter(({ roles }) => roles.includes('witness')).map((host) => host.name);
  if (witnesses.length === 1 && witnesses[0] === name) return;
  throw invalid(path, `witness.host: ${name} must be the one host with the role witness`);
}

function invalid(path: string, state: string): Problem {
  return new Problem('PlanInvalid', `Cannot use the plan ${path}: ${state}. Correct it and give the command again.`);
}
