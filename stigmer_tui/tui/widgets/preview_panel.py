"""What stands in the pane before a run."""

from __future__ import annotations

from stigmer_tui.tui.render.blocks import Format
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.state import WorkbenchState


class PreviewPanel(RowPanel):
    _drawn: object = None
    """What the rows were made of: they are made anew only for something else, however many frames there are."""

    def update(self, preview: Preview, state: WorkbenchState, width: int, height: int) -> None:
        """`width` and `height` are those of the pane, for as long as the panel has no size of its own."""
        # Loaded when there is a preview: the first screen must stand at once.
        from stigmer_tui.tui.render.preview import preview_rows

        project, key = state.project, preview.resource.key
        source = str(project.sources[key]) if project and key in project.sources else ""
        form = Format(max(1, self.size.width or width), self.glyphs)
        rows = max(1, (self.size.height or height) - 1)
        wanted = (preview, state.runs, source, form, rows)
        if wanted != self._drawn:
            self._drawn = wanted
            runs = [run for run in state.runs if run.resource_id == preview.resource.id]
            self.show([EMPTY_ROW, *preview_rows(preview, runs, source, form, rows)])
