/**
 * A command's parameters as data, taken from its schema: what the parser of the command line, the help text and the
 * OpenAPI document need to know about them. The schema stays the only place that says what is valid.
 */
import { z } from 'zod';
import { assert } from '../base/assert.ts';
import type { Command } from './command.ts';

export type ParameterKind = 'text' | 'number' | 'switch' | 'choice' | 'list';

export interface ParameterInfo {
  readonly name: string;
  readonly kind: ParameterKind;
  /** For `choice`: the words that may be given. */
  readonly choices: readonly string[];
  readonly required: boolean;
  readonly positional: boolean;
  readonly defaultValue: string | undefined;
  readonly description: string;
}

interface PropertySchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
}

export interface ParametersSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, PropertySchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties: false;
}

/** JSON Schema (draft 2020-12) of what goes in. */
export function parametersSchema(command: Command): ParametersSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(command.parameters, { io: 'input' });
  return schema as unknown as ParametersSchema;
}

export function parametersOf(command: Command): readonly ParameterInfo[] {
  const schema = parametersSchema(command);
  return Object.entries(schema.properties).map(([name, property]) => ({
    name,
    kind: kindOf(name, property),
    choices: property.enum ?? [],
    required: schema.required?.includes(name) ?? false,
    positional: command.positional.includes(name),
    defaultValue: typeof property.default === 'string' ? property.default : JSON.stringify(property.default),
    description: property.description ?? '',
  }));
}

function kindOf(name: string, property: PropertySchema): ParameterKind {
  if (property.enum !== undefined) return 'choice';
  if (property.type === 'boolean') return 'switch';
  if (property.type === 'integer' || property.type === 'number') return 'number';
  if (property.type === 'array') return 'list';
  assert(property.type === 'string', `Parameter ${name} has a type that the command line cannot express`);
  return 'text';
}
