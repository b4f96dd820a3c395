// Compiles the contracts with npm's solc and writes the artifacts; `--check` compares instead of writing.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
// The tools may live elsewhere: tests install them into a cache folder, not into the source tree.
const tools = process.env.KOFO_CONTRACT_TOOLS ?? here;
const solc = createRequire(join(resolve(tools), "package.json"))("solc");

const guard = (name) => [`@guard/=guards/${name}/`];
const BUILDS = [
  { artifact: "HashLanes.ethereum", source: "src/HashLanes.sol", contract: "HashLanes", evm: "osaka", remap: guard("transient") },
  { artifact: "HashLanes.echoin", source: "src/HashLanes.sol", contract: "HashLanes", evm: "petersburg", remap: guard("storage") },
  ...["TestToken", "NoReturnToken", "FeeToken", "FalseToken", "BlockingToken"].map((contract) => ({
    artifact: contract, source: "test/tokens/Tokens.sol", contract, evm: "petersburg", remap: [],
  })),
];

function compile({ source, contract, evm, remap }) {
  const input = {
    language: "Solidity",
    sources: { [source]: { content: readFileSync(join(here, source), "utf8") } },
    settings: {
      evmVersion: evm,
      viaIR: true,
      optimizer: { enabled: true, runs: 10_000_000 },
      metadata: { bytecodeHash: "none", appendCBOR: false },
      remappings: remap,
      outputSelection: { [source]: { [contract]: ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"] } },
    },
  };
  const imports = (path) => ({ contents: readFileSync(join(here, path), "utf8") });
  const out = JSON.parse(solc.compile(JSON.stringify(input), { import: imports }));
  const errors = (out.errors ?? []).filter((e) => e.severity === "error");
  if (errors.length) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));
  const { abi, evm: code } = out.contracts[source][contract];
  return {
    compiler: solc.version(), evmVersion: evm, abi,
    bytecode: { object: "0x" + code.bytecode.object },
    deployedBytecode: {
      object: "0x" + code.deployedBytecode.object,
      // The names of the references are compiler-internal numbers; only the places matter.
      immutableReferences: Object.values(code.deployedBytecode.immutableReferences ?? {}).flat(),
    },
  };
}

const check = process.argv.includes("--check");
mkdirSync(join(here, "artifacts"), { recursive: true });
let stale = 0;
for (const build of BUILDS) {
  const file = join(here, "artifacts", `${build.artifact}.json`);
  const text = JSON.stringify(compile(build), null, 1) + "\n";
  if (!check) {
    writeFileSync(file, text);
  } else if (readFileSync(file, "utf8") !== text) {
    console.error(`artifacts/${build.artifact}.json is not what the source compiles to: run \`npm run build\` and commit it`);
    stale += 1;
  }
}
process.exit(stale ? 1 : 0);
