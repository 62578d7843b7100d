import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { shellText } from "./shell-text.ts";
import { attempt } from "./state.ts";

/** A command to run in a terminal, with a button that copies it. */
export function Command({ words }: { readonly words: readonly string[] }): JSX.Element {
  const text = words.map(shellText).join(" ");
  const isCopied = useSignal(false);
  const copy = (): Promise<void> =>
    attempt(async () => {
      await navigator.clipboard.writeText(text);
      isCopied.value = true;
    });
  return (
    <span class="command">
      <code>{text}</code>{" "}
      <button type="button" onClick={copy}>
        {isCopied.value ? "Copied" : "Copy"}
      </button>
    </span>
  );
}
