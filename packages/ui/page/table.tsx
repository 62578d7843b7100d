import type { ComponentChildren, JSX } from "preact";

interface TableProps {
  /** The names of the columns, or cells. */
  readonly heads: readonly (string | JSX.Element)[];
  readonly class?: string;
  /** The rows. */
  readonly children: ComponentChildren;
}

/** A table with a row of heads. */
export function Table({ heads, class: name, children }: TableProps): JSX.Element {
  return (
    <table class={name}>
      <thead>
        <tr>
          {heads.map((head) =>
            typeof head === "string" ? (
              <th key={head} scope="col">
                {head}
              </th>
            ) : (
              head
            ),
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

/** A table that scrolls sideways where it is wider than the page. */
export function ScrollTable({ label, ...table }: TableProps & { readonly label?: string }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
    <section class="scroll" tabIndex={0} aria-label={label}>
      <Table {...table} />
    </section>
  );
}
