//! Cuts an area into parts, from top to bottom.

use ratatui::layout::Rect;

/// What is left of an area.
#[derive(Debug)]
pub struct Stack(Rect);

impl Stack {
    pub fn new(area: Rect) -> Stack {
        Stack(area)
    }

    /// The next part, of this height or of what is left.
    pub fn part(&mut self, height: u16) -> Rect {
        let part = Rect {
            height: height.min(self.0.height),
            ..self.0
        };
        self.0.y += part.height;
        self.0.height -= part.height;
        part
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::Stack;

    #[test]
    fn parts_follow_each_other_and_end_with_the_area() {
        let mut stack = Stack::new(Rect::new(2, 3, 10, 5));
        assert_eq!(stack.part(2), Rect::new(2, 3, 10, 2));
        assert_eq!(stack.part(0), Rect::new(2, 5, 10, 0));
        assert_eq!(stack.part(9), Rect::new(2, 5, 10, 3));
        assert_eq!(stack.part(1).height, 0);
    }
}
