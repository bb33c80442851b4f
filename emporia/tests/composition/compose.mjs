// Composes the subgraphs of `subgraphs.json` with another composer and prints, as JSON, what its supergraph and ours
// (`supergraph.graphql`) say differently.
import { readFileSync } from 'node:fs';
import { composeServices } from '@theguild/federation-composition';
import { parse, print } from 'graphql';

const subgraphs = JSON.parse(readFileSync('subgraphs.json', 'utf8'));
const composed = composeServices(
  subgraphs.map(({ name, sdl }) => ({ name, typeDefs: parse(sdl), url: `http://${name}.emporia.internal/graphql` })),
);
if (composed.errors?.length) {
  console.log(JSON.stringify({ errors: composed.errors.map((error) => error.message) }));
  process.exit(0);
}

// What clients may ask, and which subgraphs answer for a type by which key.
function facts(text) {
  const found = new Set();
  for (const definition of parse(text).definitions) {
    const type = definition.name?.value;
    if (!type || /^(join|link|core|cacheControl)__/.test(type) || definition.kind === 'DirectiveDefinition') continue;
    found.add(`${definition.kind} ${type}`);
    for (const value of definition.values ?? []) found.add(`${type}.${value.name.value}`);
    // Where a scalar is known guides no plan: ours does not say it.
    const joins = definition.kind === 'ScalarTypeDefinition' ? [] : definition.directives;
    for (const directive of joins ?? []) {
      if (directive.name.value !== 'join__type') continue;
      const argument = (name) => directive.arguments.find((a) => a.name.value === name)?.value;
      const key = argument('key') ? ` by ${argument('key').value}` : '';
      found.add(`${type} in ${argument('graph').value}${key}`);
    }
    for (const field of definition.fields ?? []) {
      const arguments_ = (field.arguments ?? []).map((a) => `${a.name.value}: ${print(a.type)}`).sort().join(', ');
      found.add(`${type}.${field.name.value}(${arguments_}): ${print(field.type)}`);
    }
  }
  return found;
}

const [theirs, ours] = [facts(composed.supergraphSdl), facts(readFileSync('supergraph.graphql', 'utf8'))];
console.log(
  JSON.stringify({
    facts: ours.size,
    onlyTheirs: [...theirs].filter((fact) => !ours.has(fact)),
    onlyOurs: [...ours].filter((fact) => !theirs.has(fact)),
  }),
);
